/** A page about one thing: it shows what `load` brings, or says why there is nothing to show. */
import { byId } from './dom.js';

/**
 * True when the page is open. Where `load` fails, the page says why and is not live.
 *
 * @param {() => Promise<void>} load @param {(error: Error & { code?: string }) => string} inWords
 */
export async function openPage(load, inWords = ({ message }) => message) {
  try {
    await load();
  } catch (error) {
    byId('failure').hidden = false;
    byId('failure-text').textContent = inWords(error);
    byId('live').remove();
    return false;
  }
  byId('main').hidden = false;
  return true;
}
