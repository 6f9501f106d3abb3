/** What was found on this box, or on the network, and the entry of `devices` that would read it. */
export interface Finding {
  family: 'serial' | 'hid' | 'one-wire' | 'gpio' | 'gpsd' | 'llrp';
  /** Where it is: a path, `host:port`. */
  place: string;
  /** What it is, as far as it can be known. */
  what: string;
  /** `known`: the entry reads it. `guess`: it may be something else. `hint`: somebody has to do something first, or choose. */
  certainty: 'known' | 'guess' | 'hint';
  /** What the person should know or do. */
  why: string;
  /** An entry as it stands; for a hint an example that is printed as a comment. */
  entry?: DeviceEntry;
}

export interface DeviceEntry {
  /** Stem of the id: `scanner` becomes `scanner-1`. */
  name: string;
  driver: string;
  options: Readonly<Record<string, unknown>>;
  /** Reads packages: needs a read point. */
  readsPackages: boolean;
}

/** One way of looking; what it cannot look at it says in `problem`. */
export interface Look {
  findings: Finding[];
  problem?: string;
}
