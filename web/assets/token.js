const KEY = "maskline-token";

export const token = () => sessionStorage.getItem(KEY);
export const forgetToken = () => sessionStorage.removeItem(KEY);

// keepToken says whether that can be a token at all: other characters can't be sent in a header.
export function keepToken(text) {
  const given = text.trim().replace(/^Bearer\s+/i, "");
  if (!/^[\x21-\x7e]+$/.test(given)) return false;
  sessionStorage.setItem(KEY, given);
  return true;
}

// takeTokenFromAddress keeps the token of #token=… and takes it out of the address bar and the history.
export function takeTokenFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1).replaceAll("+", "%2B")).get("token");
  if (given === null) return;
  keepToken(given);
  history.replaceState(null, "", location.pathname + location.search);
}

addEventListener("hashchange", () => {
  if (location.hash.startsWith("#token=")) location.reload();
});
