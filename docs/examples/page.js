// Runs one of the examples in this tab, and shows what it says.
const at = (id) => document.getElementById(id);

for (const level of ['log', 'error']) {
  const say = console[level];
  console[level] = (...words) => {
    say(...words);
    at('said').append(words.map((word) => word.message ?? word).join(' ') + '\n');
  };
}

at('settings').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem('MASKLINE_URL', at('url').value.replace(/\/$/, ''));
  sessionStorage.setItem('MASKLINE_TOKEN', at('token').value.trim());
  at('settings').hidden = true; // for another example load the page again
  import(`./dist/${at('example').value}.js`).catch((error) => console.error(error));
});
