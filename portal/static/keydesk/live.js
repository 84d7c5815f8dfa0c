// A panel that changes by itself (data-live: its address). It is asked for every two seconds while the page is looked
// at, until it is in its last state; an answer without content says that nothing has changed.
const panel = document.querySelector('[data-live]');

async function look() {
  const shown = panel.firstElementChild;
  if (!('seen' in shown.dataset)) return;
  try {
    const address = `${panel.dataset.live}?seen=${shown.dataset.seen}`;
    const answer = document.hidden ? null : await fetch(address, { redirect: 'error' });
    if (answer?.status === 200) {
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      panel.replaceChildren(page.body.firstElementChild);
    }
  } catch {
    // The network was away for a moment, or the session has ended.
  }
  setTimeout(look, 2000);
}

setTimeout(look, 2000);
