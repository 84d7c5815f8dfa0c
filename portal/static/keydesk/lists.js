// Lists without a reload (layouts/list.html). Each link and form works as well without any of this.
const here = (address) => new URL(address, location.href).pathname === location.pathname;

document.addEventListener('htmx:beforeSwap', ({ detail }) => {
  // Signed out meanwhile, say: that is another page, and is opened as one.
  if (here(detail.xhr.responseURL) && detail.serverResponse.includes('id="main"')) return;
  detail.shouldSwap = false;
  location.assign(detail.xhr.responseURL);
});

document.addEventListener('htmx:afterSettle', () => {
  const main = document.getElementById('main');
  document.querySelector('input[name=next]').value = location.pathname + location.search;
  const summary = main.querySelector('.govuk-error-summary');
  // What had the focus is gone; a reader goes on where the list begins.
  if (summary) summary.focus();
  else if (document.activeElement === document.body) main.focus({ preventScroll: true });
});
