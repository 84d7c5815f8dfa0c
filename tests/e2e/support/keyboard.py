"""A person who uses the keyboard alone: Tab, Space, Enter, and typing."""

from __future__ import annotations

import re

from playwright.sync_api import Page

# The parts that change on focus: the element, its marker, or the label drawn beside a hidden radio button.
LOOK = """() => {
    const element = document.activeElement;
    const look = () => [element, element.nextElementSibling].filter(Boolean).flatMap(one =>
        [null, '::before', '::after'].map(part => {
            const style = getComputedStyle(one, part);
            return [style.outline, style.boxShadow, style.backgroundColor, style.borderColor].join();
        })).join('|');
    const again = window.stops?.[0] === element && !window.left.includes(element);
    if (window.left) window.left = window.left.filter(stop => stop !== element);
    const focused = look();
    // Not a date field: it has several stops inside, and would begin at the first again.
    const several = element.type === 'date';
    if (!several) element.blur();
    const plain = several ? '' : look();
    if (!several) element.focus();
    const box = element.getBoundingClientRect();
    const middle = document.elementFromPoint(box.x + Math.min(box.width / 2, 40), box.y + box.height / 2);
    return {
        tag: element.tagName,
        again,
        html: element.cloneNode().outerHTML.slice(0, 150),
        name: (element.labels?.[0]?.textContent || element.getAttribute('aria-label') || element.textContent || '')
            .replace(/\\s+/g, ' ').trim(),
        seen: focused !== plain,
        uncovered: !middle || middle === element || element.contains(middle) || middle.contains(element)
            || [...(element.labels || [])].some(label => label.contains(middle)),
    };
}"""
# A single stop for each group of radio buttons, none for hidden or disabled elements.
STOPS = """() => {
    const groups = new Set();
    window.stops = [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
        .filter(e => !e.disabled && e.type !== 'hidden' && e.tabIndex >= 0 && e.checkVisibility())
        .filter(e => !e.closest('details:not([open]) > :not(summary)'))
        .filter(e => e.type !== 'radio' || e.checked || !groups.has(e.name) && groups.add(e.name)
            && !document.querySelector(`[type=radio][name="${e.name}"]:checked`));
    window.left = window.stops;
}"""
LEFT = "() => window.left.map(e => e.cloneNode().outerHTML.slice(0, 150))"
ENOUGH = 400  # stops on one page; then it is a trap


class Keyboard:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.stop: dict[str, object] = {}

    def goes_round(self) -> list[str]:
        """Tab through the whole page; what it did not reach. A page that does not end is a trap."""
        self.page.evaluate(STOPS)
        for _ in range(ENOUGH):
            if not self.tab() or self.stop["again"]:
                return list(self.page.evaluate(LEFT))
        raise AssertionError(f"Tab does not leave {self.page.url}; it is at {self.stop['html']}")

    def tab(self) -> bool:
        """To the next stop, which shows that it has the focus and is not covered. False at the end of the page."""
        self.page.keyboard.press("Tab")
        self.stop = self.page.evaluate(LOOK)
        if self.stop["tag"] == "BODY":
            return False
        assert self.stop["seen"], f"the focus cannot be seen on {self.stop['html']} of {self.page.url}"
        assert self.stop["uncovered"], f"something covers the focus on {self.stop['html']} of {self.page.url}"
        return True

    def tab_to(self, name: str, tag: str = "") -> None:
        """Goes on until the focus is on what is called so."""
        seen = []
        for _ in range(ENOUGH):
            self.tab()
            seen.append(str(self.stop["name"]))
            if re.match(name, seen[-1]) and (not tag or self.stop["tag"] == tag.upper()):
                return
        raise AssertionError(f"Tab does not lead to {name!r} on {self.page.url}: {seen[:60]}")

    def presses(self, key: str) -> None:
        """Enter on a link or button, and the next page is there."""
        with self.page.expect_navigation():
            self.page.keyboard.press(key)

    def types(self, label: str, text: str) -> None:
        self.tab_to(label)
        self.page.keyboard.type(text)

    def ticks(self, label: str) -> None:
        self.tab_to(label)
        self.page.keyboard.press("Space")

    def opens(self, name: str, tag: str = "") -> None:
        self.tab_to(name, tag)
        self.presses("Enter")
