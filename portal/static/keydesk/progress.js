// Long work (data-progress): looks again every second, and shows the whole page once the work is done. Without it, or
// when an answer cannot be read, the reader reloads.
const shown = document.querySelector('[data-progress]');

async function look() {
  try {
    const answer = await fetch(location.href);
    const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
    const fresh = page.querySelector('[data-progress]');
    if (answer.ok && !fresh) return location.reload();
    if (fresh) shown.replaceChildren(...fresh.childNodes);
  } catch {
    // The network was away for a moment.
  }
  setTimeout(look, 1000);
}

setTimeout(look, 500);
