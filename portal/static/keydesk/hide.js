// A secret in a pasted request (data-hide) does not leave the browser: asterisks take its place, in sight, when it is
// pasted, and before the form is sent for what was typed. Prefix, length and the last four characters of ours stay, as
// the page of a client shows them.
// tokens/protocol/hiding.py does the same on the server, for whoever has no scripts.
const field = document.querySelector('[data-hide]');

function hidden(value) {
  if (value.includes('$') || value.includes('********')) return value; // a variable, or hidden already
  if (value.startsWith('kds_') && value.length >= 20) return `kds_${'*'.repeat(value.length - 8)}${value.slice(-4)}`;
  return '*'.repeat(value.length);
}

const second = (whole, first, value) => first + hidden(value);

function basic(whole, name, value) {
  try {
    const [id, ...secret] = atob(value).split(':');
    return name + btoa(`${id}:${hidden(secret.join(':'))}`);
  } catch {
    return name + '*'.repeat(value.length);
  }
}

function withoutSecrets(text) {
  return text
    .replace(/kds_[\w-]{16,}/g, hidden)
    .replace(/(\bbasic[ \t]{1,9})([\w+/=-]{8,})/gi, basic)
    .replace(/((?:client_secret|password)["']?[ \t]{0,9}[=:][ \t]{0,9}["']?)([^&"'\s\\]+)/g, second)
    .replace(/(\s(?:-[A-Za-z]{0,9}u|--user)[ \t=]{0,9}["']?[^\s:"']{1,100}:)([^\s"']+)/g, second)
    .replace(/(:\/\/[^\s/:@]{1,100}:)([^\s/@]{1,400})(?=@)/g, second);
}

const hide = () => { field.value = withoutSecrets(field.value); };

field.addEventListener('paste', () => setTimeout(hide)); // once the text is in the field
field.form.addEventListener('submit', hide);
document.getElementById('kd-hides').hidden = false;
