/** PostgreSQL with pgvector, embedded: the searchable side of the store. */
import { describeStore } from './store-contract.js';
import { mutateBySql, postgresSubject, type PostgresSubject } from './postgres-subject.js';
import { startPglite } from '../servers/pglite.js';

let subject: PostgresSubject | undefined;

describeStore('postgres', async () => (subject = await postgresSubject(startPglite)), {
  manyRows: 1_000,
  refuses: ['a_nanosecond'],
  mutate: async (...change) => await mutateBySql(subject!.sql)(...change),
});
