/** Who sits here: the name that the history, incidents and subscriptions carry. */
import { setUserName, userName } from './api.js';
import { ask } from './dialogs.js';
import { byId, setText } from './dom.js';
import { textField } from './fields.js';

setText(byId('you-name'), userName());
byId('you').addEventListener('click', () => {
  const name = textField({
    label: 'Your name',
    value: userName() === 'anonymous' ? '' : userName(),
    hint: 'Letters, digits and . _ @ -; kept in this browser.',
    pattern: '[A-Za-z0-9._@\\-]{0,64}',
  });
  void ask({
    title: 'Who are you?',
    content: [name.node],
    action: 'Use this name',
    pending: 'Noting …',
    run: async () => {
      setUserName(name.read());
      setText(byId('you-name'), userName());
      dispatchEvent(new Event('you'));
    },
    done: () => `You are ${userName()}`,
  });
});
