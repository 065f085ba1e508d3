/** Variables of the environment by which the global setup tells every process of a run what belongs to it. */

/** Eight letters that mark the secrets of this run. */
export const RUN_VARIABLE = 'LAKEPACK_TEST_RUN';

/** The folder in which leaks of secrets are noted; without it none are. */
export const RECORD_VARIABLE = 'LAKEPACK_TEST_RECORD';

/** Where the global setup answers with the address and the keys of the S3 server that all share. */
export const SHARED_CEPH_VARIABLE = 'LAKEPACK_TEST_SHARED_CEPH';
