/** EPCIS capture jobs, kept so that `GET /epcis/v2/capture/{captureID}` answers whichever process is asked, for thirty days. */
import type { Migration } from '../store/migrations.ts';
import type { Store } from '../store/store.ts';

/** As EPCIS 2.0's REST binding names them. */
export interface CaptureJob {
  captureID: string;
  createdAt: string;
  finishedAt: string;
  running: boolean;
  success: boolean;
  captureErrorBehaviour: 'rollback' | 'proceed';
  /** RFC 7807. */
  errors: { type: string; title: string; status: number; detail: string; instance: string }[];
}

export const captureMigrations: readonly Migration[] = [
  {
    id: 'door-001',
    sql: `
create table epcis_captures (
  capture_id text collate "C" primary key,
  client     text collate "C" not null,
  created_at timestamptz not null,
  job        json not null
);
create index epcis_captures_by_client on epcis_captures (client, created_at desc);
`,
  },
];

export async function saveCapture(store: Store, client: string, job: CaptureJob): Promise<void> {
  await store.query(
    'insert into epcis_captures (capture_id, client, created_at, job) values ($1, $2, $3::timestamptz, $4::json)',
    [job.captureID, client, job.createdAt, JSON.stringify(job)],
  );
  await store.query(
    `delete from epcis_captures where capture_id in
       (select capture_id from epcis_captures where created_at < now() - interval '30 days' limit 100)`,
  );
}

/** A client sees its own jobs only. */
export async function findCapture(store: Store, client: string, captureId: string): Promise<CaptureJob | undefined> {
  const [row] = await store.query<{ job: CaptureJob }>(
    'select job from epcis_captures where capture_id = $1 and client = $2',
    [captureId, client],
  );
  return row?.job;
}

/** The latest first. */
export async function listCaptures(store: Store, client: string, limit: number): Promise<CaptureJob[]> {
  const rows = await store.query<{ job: CaptureJob }>(
    `select job from epcis_captures where client = $1 order by created_at desc limit ${limit}`,
    [client],
  );
  return rows.map(({ job }) => job);
}
