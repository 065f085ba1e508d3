/** The configuration of a Ceph of one node with a RADOS gateway, all on the loopback interface. Text only. */

export interface CephConfig {
  readonly folder: string;
  readonly fsid: string;
  /** The first of `CEPH_PORTS` ports in a row: gateway, monitor, storage daemon. */
  readonly port: number;
  readonly persistent: boolean;
  readonly memoryGiB: number;
  readonly maxRequests: number;
  readonly lifecycleDaySeconds: number | undefined;
  readonly tls: { readonly cert: string; readonly key: string } | undefined;
  /** Names below which `BUCKET.name` is a bucket too. */
  readonly dnsName: string;
}

export const CEPH_PORTS = 8;

export function cephConfig(config: CephConfig): string {
  return `${globalSection(config)}${daemonSections(config)}${gatewaySection(config)}`;
}

function globalSection({ folder, fsid, port }: CephConfig): string {
  return `[global]
fsid = ${fsid}
mon_host = v2:127.0.0.1:${port + 1}/0
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
ms_bind_msgr1 = false
ms_crc_data = false
ms_bind_port_min = ${port + 2}
ms_bind_port_max = ${port + CEPH_PORTS - 1}
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
# The gateway asks for a secure session with the monitor, which auth "none" cannot give: it would retry for ever.
ms_mon_client_mode = crc
ms_client_mode = crc
ms_service_mode = crc
ms_cluster_mode = crc
ms_mon_service_mode = crc
ms_mon_cluster_mode = crc
run_dir = ${folder}
admin_socket = ${folder}/$name.$pid.asok
log_file = ${folder}/$name.log
crash_dir = ${folder}/crash
keyring = /dev/null
debug_rocksdb = 0
debug_bluestore = 0
debug_bluefs = 0
debug_bdev = 0
debug_mon = 0
debug_osd = 0
# A client that came before the storage daemon asks again only at this tick (5 s by default).
objecter_tick_interval = 0.2
# A client whose storage daemon was killed asks where it is now after so many seconds (10 by default).
objecter_timeout = 0.5
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 4
osd_pool_default_pgp_num = 4
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_allow_pool_delete = true
mon_max_pg_per_osd = 1000
mon_data_avail_crit = 1
mon_data_avail_warn = 2
# Each change of a map is a round of paxos: 1 s by default.
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
`;
}

function daemonSections({ folder, persistent, memoryGiB }: CephConfig): string {
  return `[mon.a]
mon_data = ${folder}/mon
mon_cluster_log_file = ${folder}/cluster.log
[osd.0]
osd_data = ${folder}/osd
osd_objectstore = ${persistent ? 'bluestore' : 'memstore'}
osd_memory_target = 939524096
osd_class_load_list = *
osd_class_default_list = *
osd_enable_op_tracker = false
# A gateway that was killed counts as listening for so many seconds (30 by default), and writes wait for its word.
osd_client_watch_timeout = 2
osd_default_notify_timeout = 2
memstore_device_bytes = ${Math.round(memoryGiB * 1024 ** 3)}
bluestore_block_size = 21474836480
bluestore_block_create = true
bluestore_fsck_on_mkfs = false
# Closing the block file waits for one poll (250 ms by default), a dozen times a start.
bdev_aio_poll_ms = 10
`;
}

function gatewaySection({ folder, port, maxRequests, lifecycleDaySeconds, tls, dnsName }: CephConfig): string {
  const endpoint =
    tls === undefined
      ? `endpoint=127.0.0.1:${port}`
      : `ssl_endpoint=127.0.0.1:${port} ssl_certificate=${tls.cert} ssl_private_key=${tls.key}`;
  return `[client.rgw]
# Without tcp_nodelay every small answer waits 40 ms for a delayed ACK.
rgw_frontends = beast ${endpoint} tcp_nodelay=1
rgw_data = ${folder}/rgw
rgw_scheduler_type = throttler
rgw_max_concurrent_requests = ${maxRequests}
rgw_lc_debug_interval = ${lifecycleDaySeconds ?? -1}
# Give deleted data back in seconds (2 h by default), or a store in memory only grows.
rgw_gc_obj_min_wait = 2
rgw_gc_processor_period = 5
rgw_gc_processor_max_time = 5
rgw_dns_name = ${dnsName}
rgw_enable_usage_log = false
rgw_enable_ops_log = false
rgw_run_sync_thread = false
`;
}
