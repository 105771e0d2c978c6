import { describe, expect, it } from 'vitest';
import {
  inClusterKube,
  readEventSenders,
  readListener,
  readSwitch,
  readTransport,
  readVariables,
} from '../../adapters/environment.ts';
import { clientKeepAliveMs, proxyKeepAliveMs } from '../../api/limits/http.ts';

describe('readVariables', () => {
  it('returns the variables that are set', () => {
    expect(readVariables(['A'], { A: '1' })).toEqual({ A: '1' });
  });

  it('names every missing variable at once', () => {
    expect(() => readVariables(['A', 'B', 'C'], { B: '1', C: '' })).toThrow('environment: expected A, C to be set');
  });
});

describe('inClusterKube', () => {
  it('brackets an IPv6 address and mounts where the kubelet does', () => {
    expect(inClusterKube({ KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' })).toEqual({
      url: 'https://[fd00::1]:443',
      accountFolder: '/var/run/secrets/kubernetes.io/serviceaccount',
    });
  });
});

const keepAliveMs = clientKeepAliveMs;

describe('readListener', () => {
  it.each(['-1', '65536', '80a', '1.5'])('refuses PORT=%s', (PORT) => {
    expect(() => readListener({ PORT })).toThrow(`environment: PORT: expected 0 to 65535, got ${PORT}`);
  });

  it('listens on every address unless HOST says which', () => {
    expect(readListener({ PORT: '8080' })).toEqual({ port: 8080, reusePort: false, keepAliveMs });
    expect(readListener({ PORT: '8080', HOST: '127.0.0.1' })).toEqual({
      port: 8080,
      hostname: '127.0.0.1',
      reusePort: false,
      keepAliveMs,
    });
  });

  it('keeps idle connections for longer where a proxy in the same Pod is the client', () => {
    expect(readListener({ PORT: '8080', PLAIN_HTTP: 'true' }).keepAliveMs).toBe(proxyKeepAliveMs);
  });

  it('shares the port only where that is asked for in one way', () => {
    expect(readListener({ PORT: '8080', REUSE_PORT: 'true' })).toEqual({
      port: 8080,
      reusePort: true,
      keepAliveMs,
    });
    expect(() => readListener({ PORT: '8080', REUSE_PORT: '1' })).toThrow(
      'environment: REUSE_PORT: expected true or nothing, got 1',
    );
  });
});

describe('readSwitch', () => {
  it.each([
    ['on', true],
    ['off', false],
  ])('reads %s', (word, expected) => {
    expect(readSwitch('COUNT_ATTACH', { COUNT_ATTACH: word })).toBe(expected);
  });

  it.each([
    ['true', 'environment: COUNT_ATTACH: expected on or off, got true'],
    ['', 'environment: expected COUNT_ATTACH to be set'],
  ])('refuses every other value: %j', (word, message) => {
    expect(() => readSwitch('COUNT_ATTACH', { COUNT_ATTACH: word })).toThrow(new Error(message));
  });
});

describe('the transport', () => {
  it.each([
    [{ TLS_FOLDER: '/tls' }, { kind: 'tls', folder: '/tls' }],
    [
      { TLS_FOLDER: '/tls', HOST: '127.0.0.1' },
      { kind: 'tls', folder: '/tls' },
    ],
    [{ HOST: '127.0.0.1' }, { kind: 'plain' }],
    [{ HOST: '127.8.9.10' }, { kind: 'plain' }],
    [{ HOST: '::1' }, { kind: 'plain' }],
    [{ PLAIN_HTTP: 'true' }, { kind: 'plain' }],
  ])('of %j is %j', (environment, transport) => {
    expect(readTransport(environment)).toEqual(transport);
  });

  it.each([
    {},
    { TLS_FOLDER: '' },
    { HOST: '0.0.0.0' },
    { HOST: '10.0.0.1' },
    { HOST: 'localhost' },
    { HOST: '127.0.0.1.example.com' },
    { HOST: '::' },
  ])('is never plain HTTP over a network without anybody saying so: %j', (environment) => {
    expect(() => readTransport(environment)).toThrow(
      new Error('environment: expected TLS_FOLDER, a loopback HOST, or PLAIN_HTTP=true behind a proxy in the same Pod'),
    );
  });

  it('is required to be stated exactly once', () => {
    expect(() => readTransport({ TLS_FOLDER: '/tls', PLAIN_HTTP: 'true' })).toThrow(
      new Error('environment: expected TLS_FOLDER or PLAIN_HTTP, got both'),
    );
    expect(() => readTransport({ PLAIN_HTTP: 'yes' })).toThrow(
      new Error('environment: PLAIN_HTTP: expected true or nothing, got yes'),
    );
  });
});

describe('readEventSenders', () => {
  const bridge = 'system:serviceaccount:buildkit-system:buildkit-bridge';
  const source = 'system:serviceaccount:buildkit-system:buildkit-status-oidc-sources.knative.dev-apiserversource';

  it('reads accounts', () => {
    expect(readEventSenders({ EVENT_SENDERS: `${bridge},${source}` })).toEqual({
      by: 'token',
      users: new Set([bridge, source]),
    });
  });

  it('lets a NetworkPolicy decide only where that is said in one word', () => {
    expect(readEventSenders({ EVENT_SENDERS: 'admitted-by-network-policy' })).toEqual({ by: 'NetworkPolicy' });
  });

  it.each([
    'nobody',
    '*',
    `${bridge},`,
    `${bridge}, ${source}`,
    `${bridge},admitted-by-network-policy`,
    'system:serviceaccount:buildkit-system:*',
    'system:serviceaccount:buildkit-bridge',
  ])('refuses every other value: %j', (EVENT_SENDERS) => {
    expect(() => readEventSenders({ EVENT_SENDERS })).toThrow(
      /^environment: EVENT_SENDERS: expected system:serviceaccount:<namespace>:<name>, separated by commas, or admitted-by-network-policy, got /,
    );
  });

  it('refuses every sender when the variable is absent', () => {
    expect(() => readEventSenders({ EVENT_SENDERS: '' })).toThrow('environment: expected EVENT_SENDERS to be set');
  });
});
