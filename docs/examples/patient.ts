import { signedOut } from './session';

// A fetch that asks again for what the service could not begin just now: it answers 503, or 429, and says in how many seconds to come back.
export const patient: typeof fetch = async (input, init) => {
  for (;;) {
    const answer = await fetch(input, init);
    if (answer.status === 401) signedOut();
    if (answer.status !== 503 && answer.status !== 429) return answer;
    const seconds = Number(answer.headers.get('retry-after')) || 5;
    await new Promise((over) => setTimeout(over, 1000 * seconds));
  }
};
