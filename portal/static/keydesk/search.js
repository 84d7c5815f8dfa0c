// `/` and Ctrl-K (on a Mac, Command-K) lead to the search of the header from wherever the reader does not type.
const field = document.getElementById('kd-search');
const isTyping = ({ target }) => target.closest('input, textarea, select, [contenteditable]');

document.addEventListener('keydown', (event) => {
  if (!field) return;
  const control = event.ctrlKey || event.metaKey;
  const asks = control ? event.key.toLowerCase() === 'k' : event.key === '/' && !event.altKey && !isTyping(event);
  if (!asks) return;
  event.preventDefault();
  field.select();
});
