const KEY = "maskline-token";

export const token = () => sessionStorage.getItem(KEY);
export const forgetToken = () => sessionStorage.removeItem(KEY);

// keepToken says whether that can be a token at all: other characters can't be sent in a header.
export function keepToken(text) {
  const given = plain(text);
  if (!/^[\x21-\x7e]+$/.test(given)) return false;
  sessionStorage.setItem(KEY, given);
  return true;
}

// takeTokenFromAddress takes the token of #token=… out of the address bar and the history, and keeps it. Whoever is signed in already is
// asked first: an address must not change in silence whose inbox is shown.
export function takeTokenFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B")).get("token");
  if (given === null) return;
  history.replaceState(null, "", location.pathname + location.search);
  const old = token();
  if (!old || old === plain(given) ||
    confirm(`The token ${shown(old)} is signed in here. Sign in with the token ${shown(plain(given))} instead?`)) keepToken(given);
}

const plain = (text) => text.trim().replace(/^Bearer\s+/i, "");

// shown is what a token is recognised by: the beginning of it, as User.tokens has it, or the e-mail address in a JWT.
function shown(text) {
  try {
    const { email } = JSON.parse(atob(text.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    if (email) return `of ${email}`;
  } catch {
    // It is no JWT.
  }
  return text.slice(0, 12) + "…";
}

addEventListener("hashchange", () => {
  if (location.hash.startsWith("#token=")) location.reload();
});
