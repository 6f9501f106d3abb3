/** Rows of a name and a value: labels of a gateway, or a selector, whose values may be several. */
import { element } from '../dom.js';

let count = 0;

export class LabelRows {
  #rows = element('div', { class: 'label-rows' });
  #several;
  #changed;

  /** @param {Record<string, string | string[]>} labels @param {{ several?: boolean, changed?: () => void }} options */
  constructor(labels, { several = false, changed = () => {} } = {}) {
    this.#several = several;
    this.#changed = changed;
    for (const [name, value] of Object.entries(labels)) this.#add(name, [value].flat().join(', '));
    this.node = element(
      'div',
      {},
      this.#rows,
      element(
        'button',
        { type: 'button', class: 'button small', click: () => this.#add('', '').querySelector('input').focus() },
        'Add label',
      ),
    );
  }

  /** Rows without a name are none. */
  read() {
    const rows = [...this.#rows.children].map((row) =>
      [...row.querySelectorAll('input')].map((one) => one.value.trim()),
    );
    return Object.fromEntries(
      rows.filter(([name]) => name !== '').map(([name, value]) => [name, this.#valueOf(value)]),
    );
  }

  #valueOf(text) {
    if (!this.#several) return text;
    const values = text
      .split(',')
      .map((one) => one.trim())
      .filter(Boolean);
    return values.length === 1 ? values[0] : values;
  }

  #add(name, value) {
    const number = ++count;
    const input = (label, text) => {
      const node = element('input', {
        class: 'input',
        'aria-label': `${label} ${number}`,
        placeholder: label,
        autocomplete: 'off',
        spellcheck: false,
        input: this.#changed,
      });
      node.value = text;
      return node;
    };
    const row = element(
      'div',
      { class: 'label-row' },
      input('Label', name),
      input(this.#several ? 'Value, or several' : 'Value', value),
      element(
        'button',
        {
          type: 'button',
          class: 'button small',
          'aria-label': `Remove label ${name || number}`,
          click: () => {
            const next = row.nextElementSibling ?? row.previousElementSibling ?? row.parentElement.nextElementSibling;
            row.remove();
            (next.querySelector('input') ?? next).focus();
            this.#changed();
          },
        },
        'Remove',
      ),
    );
    this.#rows.append(row);
    return row;
  }
}
