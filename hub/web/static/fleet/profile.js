/**
 * The editor of a profile. What is typed stands in a draft; before it is saved the draft is tried on stored data, and what the hub finds
 * wrong stands at the field that it is about. Saving changes no gateway: rolling out does.
 */
import '../you.js';
import { tell } from '../actions.js';
import { follow, get, send } from '../api.js';
import { ask } from '../dialogs.js';
import { byId, element, setText } from '../dom.js';
import { areaField, checkField, textField } from '../fields.js';
import { debounce, throttle } from '../pace.js';
import { openPage } from '../page.js';
import { LabelRows } from './label-rows.js';
import { rateParts, readPointParts } from './more-settings.js';
import { askPreview, inWords, previewView } from './preview.js';
import { askRollout } from './rollout-dialog.js';
import { newRule, RuleForm } from './rule-form.js';
import { RULE_KINDS } from './rule-kinds.js';
import { labelQuery, rolloutPath } from './states.js';
import { showVersions } from './versions.js';

const REFRESH_MS = 2000;
const COUNT_MS = 400;
const UNDER_WAY = 'a rollout is under way';

const profileId = decodeURIComponent(location.pathname.split('/')[3] ?? '');
const path = `/v1/fleet/profiles/${encodeURIComponent(profileId)}`;
/** As the hub has it; undefined when it was never saved. */
let saved;
/** The draft as it was when it was saved, to tell whether it was changed. */
let savedText = '';
/** What is edited; rules are changed in place by their forms. */
let rules = [];
let forms = new Map();
let name;
let selector;
let readPoints;
let rates;
/** The draft that the shown preview is about, as text, and what it said. */
let tried;

for (const [kind, { title }] of Object.entries(RULE_KINDS))
  byId('kind').append(element('option', { value: kind }, title));
byId('kind').addEventListener('input', tellKind);
byId('add-rule').addEventListener('submit', (event) => {
  event.preventDefault();
  const rule = newRule(byId('kind').value, rules);
  rules.push(rule);
  addForm(rule, true).focus();
  changed();
});
byId('try').addEventListener('submit', (event) => {
  event.preventDefault();
  void tryIt();
});
byId('days').addEventListener('input', () => changed());
byId('save').addEventListener('click', () => void save());
byId('roll-out').addEventListener('click', () => rollOut(saved.version));
addEventListener('beforeunload', (event) => isDirty() && event.preventDefault());
const count = debounce(() => void countGateways(), COUNT_MS);
tellKind();
void start();

async function start() {
  if (!(await openPage(load))) return;
  void loadVersions();
  const refresh = throttle(() => void hear(), REFRESH_MS);
  follow('/v1/stream', { gateways: count, rollouts: refresh, reset: refresh }, refresh);
}

async function load() {
  saved = await get(path).catch((error) => {
    if (error.code === 'profile-unknown') return undefined;
    throw error;
  });
  draw();
}

/** The form anew, from what is saved. */
function draw() {
  const startName = new URLSearchParams(location.search).get('name') ?? profileId;
  const { settings = { rules: [], readPoints: {}, rates: {} } } = saved ?? {};
  name = textField({ label: 'Name', value: saved?.name ?? startName, required: true });
  name.node.addEventListener('input', changed);
  byId('name-field').replaceChildren(name.node);
  selector = new LabelRows(saved?.selector ?? {}, { several: true, changed });
  byId('selector').replaceChildren(
    element(
      'p',
      { class: 'hint' },
      'All labels must fit; of several values, one. Without labels it is for every gateway.',
    ),
    selector.node,
  );
  rules = structuredClone(settings.rules);
  forms = new Map();
  byId('rules').replaceChildren();
  for (const rule of rules) addForm(rule, false);
  readPoints = readPointParts(settings.readPoints, changed);
  rates = rateParts(settings.rates, changed);
  byId('points').replaceChildren(readPoints.node);
  byId('rates').replaceChildren(rates.node);
  // As the form reads what is saved, so that nothing counts as changed that nobody changed.
  const text = JSON.stringify(draft());
  savedText = saved ? text : '';
  changed();
}

const draft = () => ({
  name: name.read(),
  selector: selector.read(),
  settings: { rules, readPoints: readPoints.read(), rates: rates.read() },
});
const isDirty = () => name !== undefined && JSON.stringify(draft()) !== savedText;
/** What a preview depends on. */
const trial = () => {
  const { selector: labels, settings } = draft();
  return { selector: labels, settings, days: Number(byId('days').value) };
};
const isTried = () => tried !== undefined && tried.text === JSON.stringify(trial());

function addForm(rule, open) {
  const form = new RuleForm({
    rule,
    open,
    changed,
    remove: () => {
      rules.splice(rules.indexOf(rule), 1);
      forms.delete(rule);
      form.node.remove();
      changed();
      byId('kind').focus();
    },
  });
  forms.set(rule, form);
  byId('rules').append(form.node);
  return form;
}

function changed() {
  const dirty = isDirty();
  const { name: title } = draft();
  setText(byId('title'), title || profileId);
  document.title = `${title || profileId} · Milepost`;
  showSavedState(savedState(dirty));
  setText(byId('rules-note'), rules.length === 0 ? 'no rule yet' : some(rules.length, 'rule'));
  setText(byId('more-note'), `${some(readPoints.size, 'read point')}, ${some(rates.size, 'device')}`);
  byId('save').textContent = `Save as version ${(saved?.version ?? 0) + 1} …`;
  byId('save').disabled = !dirty;
  byId('roll-out').disabled = dirty || !saved || Boolean(saved.openRollout) || saved.releasedVersion === saved.version;
  byId('roll-out').textContent = saved ? `Roll out version ${saved.version} …` : 'Roll out …';
  if (tried && !isTried()) byId('preview').dataset.stale = 'true';
  count();
}

const some = (number, what) => `${number} ${what}${number === 1 ? '' : 's'}`;

/** Read out when it changes, and only then. */
function showSavedState(words) {
  const open = saved?.openRollout;
  const shown = byId('saved-state');
  if (shown.textContent === words && shown.dataset.rollout === open) return;
  shown.replaceChildren(words);
  if (open) {
    shown.replaceChildren(words.replace(UNDER_WAY, ''), element('a', { href: rolloutPath(open) }, UNDER_WAY));
    shown.dataset.rollout = open;
  } else delete shown.dataset.rollout;
}

function savedState(dirty) {
  if (!saved) return 'not saved yet';
  const { version, releasedVersion, openRollout } = saved;
  const state = dirty ? `changed since version ${version}` : `version ${version}`;
  if (openRollout) return `${state}; ${UNDER_WAY}`;
  if (dirty) return state;
  return releasedVersion === version ? `version ${version}, rolled out` : `version ${version}, not rolled out`;
}

function tellKind() {
  setText(byId('kind-text'), RULE_KINDS[byId('kind').value].text);
}

async function countGateways() {
  const label = labelQuery(selector.read());
  const { total, error } = await get('/v1/fleet/gateways', { label, limit: 1 }).catch((fault) => ({
    error: fault,
  }));
  setText(
    byId('matching'),
    error
      ? `not known now: ${error.message}`
      : total === 1
        ? 'fits 1 gateway'
        : `fits ${total.toLocaleString()} gateways`,
  );
}

async function tryIt() {
  const go = byId('try-go');
  const text = JSON.stringify(trial());
  go.setAttribute('aria-disabled', 'true');
  setText(go, 'Trying …');
  clearProblems();
  try {
    const answer = await askPreview({ profileId, ...trial() });
    tried = { text, answer };
    byId('preview').replaceChildren(previewView(answer), staleNote());
    byId('preview').dataset.stale = String(!isTried());
    showProblems(answer.problems);
    return answer;
  } catch (error) {
    tried = undefined;
    byId('preview').replaceChildren(element('p', { class: 'problem' }, `It cannot be tried: ${error.message}`));
    showProblems(error.problems);
    return undefined;
  } finally {
    go.removeAttribute('aria-disabled');
    setText(go, 'Try it');
  }
}

function staleNote() {
  return element('p', { class: 'note warn stale' }, 'The draft was changed since: this is about how it was before.');
}

/** Nothing is saved that was not tried: the question says what the trial found. */
async function save() {
  const button = byId('save');
  button.setAttribute('aria-disabled', 'true');
  const answer = isTried() ? tried.answer : await tryIt();
  button.removeAttribute('aria-disabled');
  const waits = problemsShown.some(({ code }) => code === 'selector-matches-nothing');
  if (problemsShown.length > 0 && !(waits && problemsShown.length === 1)) {
    tell('failed', 'Not saved: the fields say what is wrong');
    return;
  }
  const reason = areaField({ label: 'Reason', required: true, rows: 2, hint: 'It stands in the history.' });
  const allowEmpty = checkField({ label: 'No gateway has these labels yet: save it for those that come' });
  const days = byId('days').selectedOptions[0].textContent;
  await ask({
    title: `Save as version ${(saved?.version ?? 0) + 1}`,
    content: [
      element(
        'p',
        { class: 'trial' },
        answer
          ? `On the data of the last ${days}: ${inWords(answer.rules)}`
          : 'It could not be tried on stored data; it can be saved all the same.',
      ),
      waits ? allowEmpty.node : '',
      element('p', { class: 'hint' }, 'No gateway changes until the version is rolled out.'),
      reason.node,
    ],
    action: 'Save',
    pending: 'Saving …',
    run: async () => {
      const before = saved?.version ?? 0;
      await send('PUT', path, {
        ...draft(),
        reason: reason.read(),
        baseVersion: before,
        ...(waits && { allowEmpty: allowEmpty.read() }),
      });
      saved = await get(path);
      draw();
      await loadVersions();
    },
    refused: (error) => {
      showProblems(error.problems);
      if (error.problems.length > 0) return `Not saved: ${error.message}. The fields say what is wrong.`;
      return error.code === 'profile-changed'
        ? `Not saved: ${error.message}. Load the page anew to see what changed.`
        : undefined;
    },
    done: () => `Saved as version ${saved.version}; no gateway has it yet`,
  });
}

let problemsShown = [];

function clearProblems() {
  problemsShown = [];
  for (const form of forms.values()) form.clearProblems();
  readPoints.clearProblems();
  rates.clearProblems();
  name.complain();
  byId('problems').textContent = '';
  byId('selector-problem').textContent = '';
}

/** Each at its field; the first gets the focus when no question is open. What has no field stands at the top. */
function showProblems(problems) {
  clearProblems();
  problemsShown = problems;
  const stops = problems.map((problem) => {
    const text = [problem.message, problem.proposal].filter(Boolean).join(': ');
    return placeProblem(problem.path ?? [], text) ?? topProblem(text);
  });
  if (stops[0] && !document.querySelector('dialog[open]')) stops[0].focus();
}

function placeProblem(where, text) {
  const [part, key, ...rest] = where[0] === 'settings' ? where.slice(1) : where;
  if (part === 'name') {
    name.complain(text);
    return name.input;
  }
  if (part === 'selector') {
    byId('selector-problem').textContent = text;
    return byId('selector').querySelector('input, button');
  }
  if (part === 'rules') return forms.get(rules[key] ?? rules.find(({ id }) => id === key))?.complain(rest, text);
  const parts = { readPoints, rates }[part];
  if (!parts) return undefined;
  byId('more-settings').open = true;
  return parts.complain(String(key), text);
}

function topProblem(text) {
  const banner = byId('problems');
  banner.append(element('span', {}, text));
  return banner;
}

function rollOut(version) {
  void askRollout({ profileId, version, gateways: saved.gateways });
}

async function loadVersions() {
  if (!saved) return showVersions({ profileId, versions: [], rollOut });
  const { versions } = await get(`${path}/versions`).catch(() => ({ versions: [saved] }));
  showVersions({ profileId, versions, releasedVersion: saved.releasedVersion, rollOut });
}

/** Somebody else may have saved or rolled out; a draft that was changed here is left alone. */
async function hear() {
  const latest = await get(path).catch(() => undefined);
  if (!latest) return;
  const newer = latest.version !== saved?.version;
  if (newer && isDirty()) {
    byId('problems').textContent =
      `${latest.author} has saved version ${latest.version} meanwhile: load the page anew before you save.`;
    return;
  }
  const same = JSON.stringify(latest) === JSON.stringify(saved);
  saved = latest;
  if (newer) draw();
  if (same) return;
  changed();
  await loadVersions();
}
