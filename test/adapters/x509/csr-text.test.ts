import fc from 'fast-check';
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { decodeCsrText } from '../../../adapters/x509/csr-text.ts';
import { readCsr } from '../../../adapters/x509/csr.ts';

const der = Uint8Array.from({ length: 300 }, (_, index) => index % 256);
const lines = der.toBase64().match(/.{1,64}/g) ?? [];
const pem = ['-----BEGIN CERTIFICATE REQUEST-----', ...lines, '-----END CERTIFICATE REQUEST-----', ''].join('\n');
const decoded = { ok: true, value: der };
const refused = (expected: string, got: string) => ({ ok: false, error: { expected, got } });

describe('a request as text is read', () => {
  it.each([
    ['in PEM', pem],
    ['in base64', der.toBase64()],
    ['in base64 of several lines', lines.join('\n')],
    ['in base64 of the PEM, as Kubernetes takes it', btoa(pem)],
    ['with the label of old tools', pem.replaceAll('CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST')],
    ['with lines that end in CR and LF', pem.replaceAll('\n', '\r\n')],
    ['with lines that end in CR', pem.replaceAll('\n', '\r')],
    ['without a line end after it', pem.trimEnd()],
    ['with empty lines around it', `\n\n${pem}\n\n`],
    ['with white space around its lines', pem.replaceAll(/^|$/gm, ' \t')],
    ['with an empty line in its middle', pem.replace('\n', '\n\n')],
    ['with base64 in one line', pem.replaceAll(/(?<=[A-Za-z0-9+/])\n(?=[A-Za-z0-9+/=])/g, '')],
    ['with a byte order mark', `\uFEFF${pem}`],
    ['after a text for people', `Certificate Request:\n    Data: -----BEGIN nothing\n${pem}`],
    ['before a text for people', `${pem}-----not a boundary\n`],
  ])('%s', (_, text) => {
    expect(decodeCsrText(text)).toEqual(decoded);
  });

  it('with the text that OpenSSL puts before it', () => {
    const args = ['req', '-new', '-newkey', 'rsa:4096', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=x', '-text'];
    const text = execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] }).toString();
    expect(text).toMatch(/^Certificate Request:/);
    expect(readCsr(text).ok).toBe(true);
  });

  it('whatever text stands around it, where none of it is a boundary', () => {
    const around = fc.string({ unit: 'grapheme', maxLength: 100 }).filter((text) => !text.includes('-----'));
    fc.assert(
      fc.property(around, around, (before, after) => {
        expect(decodeCsrText(`${before}\n${pem}${after}`)).toEqual(decoded);
      }),
    );
  });
});

describe('what is refused says what was found:', () => {
  const label = (text: string) => pem.replaceAll('CERTIFICATE REQUEST', text);
  it.each([
    ['a key', label('PRIVATE KEY'), refused('a PEM block CERTIFICATE REQUEST', '"PRIVATE KEY"')],
    ['a certificate', label('CERTIFICATE'), refused('a PEM block CERTIFICATE REQUEST', '"CERTIFICATE"')],
    ['no label', label(''), refused('a PEM block CERTIFICATE REQUEST', '""')],
    [
      'a label in small letters',
      label('certificate request'),
      refused('a PEM block CERTIFICATE REQUEST', '"certificate request"'),
    ],
    ['two requests', pem + pem, refused('one PEM block', '2')],
    ['parameters of a curve before it', label('EC PARAMETERS') + pem, refused('one PEM block', '2')],
    [
      'line breaks that were escaped twice',
      pem.replaceAll('\n', '\\n'),
      refused('a PEM boundary on a line of its own', 'line breaks written as \\n'),
    ],
    ['lines that were joined', pem.replaceAll('\n', ' '), refused('a PEM boundary on a line of its own', 'none')],
    ['no end', pem.slice(0, -30), refused('-----END CERTIFICATE REQUEST----- on a line of its own', 'none')],
    [
      'an end within a line',
      pem.replace('-----END', 'A-----END'),
      refused('-----END CERTIFICATE REQUEST----- on a line of its own', 'none'),
    ],
    [
      'another end',
      pem.replace('END C', 'END NEW C'),
      refused('-----END CERTIFICATE REQUEST----- on a line of its own', 'none'),
    ],
    [
      'a key that is encrypted',
      pem.replace('\n', '\nProc-Type: 4,ENCRYPTED\n\n'),
      refused('base64 between the PEM boundaries', 'header fields (RFC 1421)'),
    ],
    ['a character that is not base64', pem.replace('\nA', '\n!'), refused('PEM or base64', 'something else')],
    ['no content', pem.replace(lines.join('\n'), '='), refused('PEM or base64', 'something else')],
    ['neither', 'hello', refused('PEM or base64', 'something else')],
  ])('%s', (_, text, answer) => {
    expect(decodeCsrText(text)).toEqual(answer);
  });
});
