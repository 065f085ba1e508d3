/** A certificate authority and a certificate for the loopback interface, made for one test by the `openssl` program. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { hasProgram } from './programs.js';

/** Paths of PEM files, but for `caText`. Child processes trust the authority by `NODE_EXTRA_CA_CERTS: certificate.ca`. */
export interface TestCertificate {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
  /** What `tls.connect` and `https.Agent` take as `ca`. */
  readonly caText: string;
  remove(): void;
}

export function tlsMissing(): string | undefined {
  return hasProgram('openssl') ? undefined : 'no openssl on this machine (Debian package openssl)';
}

/** Valid for 127.0.0.1 and for localhost with the names below it. */
export function makeCertificate(): TestCertificate {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'lakepack-tls-'));
  const file = (name: string) => path.join(folder, name);
  const days = ['-days', '2'];
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const authority = ['-subj', '/CN=lakepack test authority', '-addext', 'basicConstraints=critical,CA:TRUE'];
  openssl('req', '-x509', ...newKey, ...days, ...authority, '-keyout', file('ca.key'), '-out', file('ca.pem'));
  openssl('req', ...newKey, '-subj', '/CN=localhost', '-keyout', file('key.pem'), '-out', file('request.pem'));
  writeFileSync(file('names'), 'subjectAltName=IP:127.0.0.1,DNS:localhost,DNS:*.localhost\n');
  const signer = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-extfile', file('names')];
  openssl('x509', '-req', ...days, ...signer, '-in', file('request.pem'), '-out', file('cert.pem'));
  return {
    ...{ cert: file('cert.pem'), key: file('key.pem'), ca: file('ca.pem') },
    caText: readFileSync(file('ca.pem'), 'utf8'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' });
}
