/** Standard input as Flink SQL, by the grammar of dt-sql-parser: what is wrong with it, as JSON. A process of its own, since its modules need tsx. */
import { text } from 'node:stream/consumers';
import { FlinkSQL } from 'dt-sql-parser';

const sql = await text(process.stdin);
const parser = new FlinkSQL();
const faults = parser.validate(sql).map(({ startLine, message }) => `line ${startLine}: ${message}`);
const statements = (parser.splitSQLByStatement(sql) ?? []).length;
process.stdout.write(JSON.stringify({ faults, statements }));
