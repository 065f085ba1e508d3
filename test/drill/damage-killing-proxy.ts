/** A way to a PostgreSQL on which the server is killed in the middle of its work: when the first COPY is sent to it. */
import net from 'node:net';

export interface KillingProxy {
  readonly port: number;
  hasKilled(): boolean;
  close(): Promise<void>;
}

export async function startKillingProxy(
  environment: Readonly<Record<string, string>>,
  kill: () => Promise<void>,
): Promise<KillingProxy> {
  const sockets = new Set<net.Socket>();
  let killed: Promise<void> | undefined;
  const server = net.createServer((client) => {
    const store = net.connect(Number(environment['PGPORT']), environment['PGHOST']);
    for (const [one, other] of [[client, store] as const, [store, client] as const]) {
      sockets.add(one);
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
    }
    store.pipe(client);
    client.on('data', (chunk: Buffer) => {
      if (chunk.includes('COPY ')) killed ??= kill();
      else store.write(chunk);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as net.AddressInfo).port,
    hasKilled: () => killed !== undefined,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
      await killed;
    },
  };
}
