/**
 * What somebody does here always says what became of it: first that it is under way, then that it is done, or what the hub answered.
 */
import { element } from './dom.js';

const note = element('p', { class: 'told', role: 'status', 'aria-live': 'polite', hidden: true });
document.body.append(note);
let fading;

/** @param {'pending' | 'done' | 'failed'} state */
export function tell(state, text) {
  clearTimeout(fading);
  note.hidden = false;
  note.dataset.state = state;
  note.textContent = text;
  // What failed stays until the next action.
  if (state === 'done') fading = setTimeout(() => Object.assign(note, { hidden: true }), 8000);
}

/**
 * Runs an action of a button: it cannot be pressed twice, and its outcome is told.
 * @returns what `run` gave, or undefined when it failed
 */
export async function act(button, { pending, run, done }) {
  if (button.getAttribute('aria-disabled') === 'true') return undefined;
  button.setAttribute('aria-disabled', 'true');
  tell('pending', pending);
  try {
    const result = await run();
    tell('done', typeof done === 'function' ? done(result) : done);
    return result;
  } catch (error) {
    tell('failed', `${pending.replace(/ …$/, '')} failed: ${error.message}`);
    return undefined;
  } finally {
    button.removeAttribute('aria-disabled');
  }
}
