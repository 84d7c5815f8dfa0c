// A notice two minutes before the session ends, with a button that puts the end off (WCAG 2.2, 2.2.1).
const NOTICE_S = 120;
const box = document.getElementById('kd-session');
const form = box.querySelector('form');

// `idle` and `last`: seconds until the session ends unless it is used, and until it ends in any case.
let known = { idle: Number(box.dataset.idle), last: Number(box.dataset.last) };
let since = Date.now();
let timer;

async function ask(options) {
  try {
    const answer = await fetch(form.action, options);
    return await answer.json();
  } catch { // the network is away: what the page said last still counts
    const passed = (Date.now() - since) / 1000;
    return { idle: known.idle - passed, last: known.last - passed };
  }
}

// Another tab may have put the end off meanwhile, and a laptop that slept has missed it.
async function look(options) {
  known = await ask(options);
  since = Date.now();
  plan();
}

function plan() {
  clearTimeout(timer);
  const left = Math.min(known.idle, known.last);
  if (left <= 0) show('over');
  else if (left > NOTICE_S) box.hidden = true;
  else show(known.last <= known.idle ? 'last' : 'idle', left);
  const next = left > NOTICE_S ? left - NOTICE_S : left + 1;
  if (left > 0) timer = setTimeout(look, next * 1000);
}

function show(which, seconds = 0) {
  const end = new Date(Date.now() + seconds * 1000);
  const time = end.toLocaleTimeString(document.documentElement.lang, { hour: '2-digit', minute: '2-digit' });
  for (const text of box.querySelectorAll('[data-when]')) text.hidden = text.dataset.when !== which;
  for (const place of box.querySelectorAll('[data-time]')) place.textContent = time;
  form.hidden = which !== 'idle';
  box.hidden = false;
}

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  await look({ method: 'POST', body: new FormData(form) });
  if (box.hidden) document.getElementById('kd-status').textContent = box.dataset.stayed;
});
document.addEventListener('visibilitychange', () => { if (!document.hidden) look(); });
plan();
