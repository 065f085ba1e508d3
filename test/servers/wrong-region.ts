/**
 * Answers every signed request as AWS answers one that is signed for another region (S3 API, error responses:
 * AuthorizationHeaderMalformed), because the gateway takes any region. A fake: it stores nothing and checks nothing else.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface WrongRegionServer {
  readonly endpoint: string;
  close(): Promise<void>;
}

export async function startWrongRegion(region = 'eu-central-1'): Promise<WrongRegionServer> {
  const server = createServer((request, response) => {
    request.resume();
    const isSigned = request.headers.authorization !== undefined;
    const [status, code, more] = isSigned
      ? [400, 'AuthorizationHeaderMalformed', `<Region>${region}</Region>`]
      : [403, 'AccessDenied', ''];
    const message = isSigned
      ? `The authorization header is malformed; the region is wrong; expecting '${region}'`
      : 'Access Denied';
    response.writeHead(status, { 'content-type': 'application/xml', 'x-amz-request-id': 'fake' });
    response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
