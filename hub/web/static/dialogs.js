/**
 * Questions: a native modal dialog (it keeps the focus and gives it back). It stays open while the hub works on the answer, and when the
 * hub refuses it says why.
 */
import { tell } from './actions.js';
import { element } from './dom.js';

let count = 0;

/**
 * @param {{ title: string, content: unknown[], action: string, pending: string, run: () => Promise<unknown>,
 *   done?: string | ((result: unknown) => string), refused?: (error: Error) => string | undefined, danger?: boolean }} question
 *   `refused` may show an error where it belongs; what it returns is shown in place of the error's own message
 * @returns {Promise<unknown>} what `run` gave; undefined when it was called off
 */
export function ask({ title, content, action, pending, run, done, refused, danger = false }) {
  const heading = element('h2', { id: `dialog-${++count}` }, title);
  const problem = element('p', { class: 'problem', role: 'alert' });
  const go = element('button', { type: 'submit', class: danger ? 'button danger' : 'button primary' }, action);
  const cancel = element('button', { type: 'button', class: 'button' }, 'Cancel');
  const form = element('form', {}, heading, content, problem, element('div', { class: 'buttons' }, cancel, go));
  const dialog = element('dialog', { class: 'dialog', 'aria-labelledby': heading.id }, form);
  document.body.append(dialog);
  const { promise, resolve } = Promise.withResolvers();
  let busy = false;

  cancel.addEventListener('click', () => dialog.close());
  dialog.addEventListener('cancel', (event) => busy && event.preventDefault());
  dialog.addEventListener('close', () => {
    dialog.remove();
    resolve(undefined);
  });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (busy) return;
    busy = true;
    for (const button of [go, cancel]) button.disabled = true;
    problem.textContent = '';
    go.textContent = pending;
    try {
      const result = await run();
      resolve(result ?? true);
      dialog.close();
      if (done !== undefined) tell('done', typeof done === 'function' ? done(result) : done);
    } catch (error) {
      problem.textContent = refused?.(error) ?? error.message;
      go.textContent = action;
    } finally {
      busy = false;
      for (const button of [go, cancel]) button.disabled = false;
      if (dialog.open && document.activeElement === document.body) go.focus();
    }
  });
  dialog.showModal();
  return promise;
}
