"""A person who uses the keyboard alone: Tab, Space, Enter, Escape, and typing."""

from __future__ import annotations

import re

from playwright.sync_api import Page

# Before a walk: what would change the order of the document, or come before the link that skips the header. The walk
# begins at that link, also where a page gave the focus to its errors. A single stop for each group of radio buttons,
# none for hidden or disabled elements.
BEGIN = """() => {
    const ALL = 'a[href], button, input, select, textarea, summary, [tabindex="0"]';
    window.stopsLeft = part => {
        const groups = new Set([...walked].filter(e => e.type === 'radio').map(e => e.name));
        return [...part.querySelectorAll(ALL)]
            .filter(e => !walked.has(e) && !(e.type === 'radio' && groups.has(e.name)))
            .filter(e => !e.disabled && e.type !== 'hidden' && e.tabIndex >= 0 && e.checkVisibility());
    };
    const skip = document.querySelector('.govuk-skip-link');
    window.walked = new Set([skip]);
    window.last = {};
    skip.focus();
    return [
        ...document.querySelectorAll('[tabindex]:not([tabindex="0"], [tabindex="-1"])'),
        ...[document.querySelector(ALL)].filter(first => first !== skip),
    ].map(e => `out of order: ${e.cloneNode().outerHTML.slice(0, 150)}`);
}"""
# Where the focus is. The parts that change on focus: the element, its marker, or the label drawn beside a hidden radio
# button. Backwards is to the left in a row, or up, but for the beginning of a column further to the right.
LOOK = """() => {
    const element = document.activeElement;
    const look = () => [element, element.nextElementSibling].filter(Boolean).flatMap(one =>
        [null, '::before', '::after'].map(part => {
            const style = getComputedStyle(one, part);
            return [style.outline, style.boxShadow, style.backgroundColor, style.borderColor].join();
        })).join('|');
    const focused = look();
    // Not a date field: it has several stops inside, and would begin at the first again.
    const several = element.type === 'date';
    if (!several) element.blur();
    const plain = several ? '' : look();
    if (!several) element.focus();
    const box = element.getBoundingClientRect();
    const middle = document.elementFromPoint(box.x + Math.min(box.width / 2, 40), box.y + box.height / 2);
    const again = window.walked?.has(element) && !(several && last.element === element);
    const [x, y] = ['scrollLeft', 'scrollTop'].map(way => {  // as if nothing was scrolled
        let all = 0;
        for (let around = element.parentElement; around; around = around.parentElement) all += around[way];
        return all;
    });
    const lines = [...element.getClientRects()].map(({left, right, top, bottom}) => ({
        left: left + x, right: right + x, top: top + y, bottom: bottom + y,
    }));
    const backwards = (from, to) => {
        const shared = Math.min(from.bottom, to.bottom) - Math.max(from.top, to.top);
        const inRow = shared > Math.min(from.bottom - from.top, to.bottom - to.top) / 2;
        return inRow ? to.right <= from.left + 1 : to.bottom <= from.top + 1 && to.left < from.right - 1;
    };
    // The buttons of a row that unfolds stand beside its summary, which can hold none, and come after what it unfolded.
    const ofRow = window.last?.element && element.closest('.kd-credrow')?.contains(last.element);
    const back = window.last?.line && lines.length && !ofRow && backwards(last.line, lines[0]);
    if (window.walked) {
        window.last = {element, line: lines.at(-1)};
        walked.add(element);
    }
    const details = element.tagName === 'SUMMARY' ? element.parentElement : null;
    return {
        tag: element.tagName,
        end: element === document.body || window.walked && element.matches('.govuk-skip-link'),
        again,
        back,
        own: document.querySelector('main').contains(element),
        folded: details && !details.open,
        menu: details && details.matches('.kd-menu, .kd-pick'),
        copies: element.matches('[data-copy]'),
        html: element.cloneNode().outerHTML.slice(0, 150),
        name: (element.labels?.[0]?.textContent || element.getAttribute('aria-label') || element.textContent || '')
            .replace(/\\s+/g, ' ').trim(),
        seen: focused !== plain,
        uncovered: !middle || middle === element || element.contains(middle) || middle.contains(element)
            || [...(element.labels || [])].some(label => label.contains(middle)),
    };
}"""
LEFT = """part => stopsLeft(document.querySelector(part))
    .map(e => `Tab does not reach ${e.cloneNode().outerHTML.slice(0, 150)}`)"""
# How many stops are in what a summary opened; nothing while it is closed.
OPENED = """() => {
    window.summary = last;
    const details = last.element.parentElement;
    return details.open ? stopsLeft(details).length : null;
}"""
CLOSED = """() => {
    last = summary;
    return !last.element.parentElement.open && document.activeElement === last.element;
}"""
COPIED = """async () => {
    const source = document.getElementById(document.activeElement.dataset.copy);
    const text = 'value' in source ? source.value : source.textContent.trim();
    for (let tries = 0; tries < 40; tries++) {
        if (await navigator.clipboard.readText() === text) return true;
        await new Promise(resolve => setTimeout(resolve, 5));
    }
    return false;
}"""
ENOUGH = 400  # stops on one page; then it is a trap


class Keyboard:
    def __init__(self, page: Page) -> None:
        self.page = page
        self.stop: dict[str, object] = {}
        self.wrong: list[str] = []

    def walks(self, *, header: bool) -> list[str]:
        """Tab from the skip link to the end, unfold and copy on the way; what is wrong.

        Without the header, which is the same around all pages of a reader, the link leads past it, and the footer ends
        the walk.
        """
        self.wrong = list(self.page.evaluate(BEGIN))
        if not header:
            self.page.keyboard.press("Enter")
        for _ in range(ENOUGH):
            if not self.tab() or not (header or self.stop["own"]):
                break
            if self.stop["again"]:
                self._complain("Tab leads back to")
                break
            if self.stop["folded"]:
                self._unfold()
            if self.stop["copies"]:
                self._copy()
        else:
            self._complain("Tab does not leave the page; it is at")
        return self.wrong + list(self.page.evaluate(LEFT, "body" if header else "main"))

    def tab(self) -> bool:
        """To the next stop, which shows that it has the focus and is not covered. False at the end of the page."""
        before = self.stop.get("html")
        self.page.keyboard.press("Tab")
        self.stop = self.page.evaluate(LOOK)
        if self.stop["end"]:
            return False
        if not self.stop["seen"]:
            self._complain("the focus cannot be seen on")
        if not self.stop["uncovered"]:
            self._complain("something covers the focus on")
        if self.stop["back"]:
            self._complain(f"Tab goes backwards, from {before} to")
        return True

    def _unfold(self) -> None:
        """Open what is folded, by Space; a menu by Enter, and Escape closes it from its last stop."""
        menu, summary = self.stop["menu"], self.stop["html"]
        self.page.keyboard.press("Enter" if menu else "Space")
        stops = self.page.evaluate(OPENED)
        if stops is None:
            self._complain("the keyboard does not open")
        elif menu:
            for _ in range(stops):
                self.tab()
            self.page.keyboard.press("Escape")
            if not self.page.evaluate(CLOSED):
                self.wrong.append(f"Escape does not lead out of the menu of {summary}")

    def _copy(self) -> None:
        self.page.keyboard.press("Enter")
        if not self.page.evaluate(COPIED):
            self._complain("Enter does not copy:")

    def _complain(self, what: str) -> None:
        self.wrong.append(f"{what} {self.stop['html']}")

    def tab_to(self, name: str, tag: str = "") -> None:
        """Goes on until the focus is on what is called so."""
        seen = []
        for _ in range(ENOUGH):
            self.tab()
            assert not self.wrong, f"{self.page.url}: {self.wrong}"
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
