/** Work that is asked for more often than it is worth doing. */

/** Once, when nothing was asked for `ms`. */
export function debounce(work, ms) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, ms);
  };
}

/** At most once per `ms`, and once more at the end. */
export function throttle(work, ms) {
  let timer;
  let again = false;
  return function run() {
    if (timer !== undefined) {
      again = true;
      return;
    }
    work();
    timer = setTimeout(() => {
      timer = undefined;
      if (again) run();
      again = false;
    }, ms);
  };
}
