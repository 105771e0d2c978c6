/** The Service of our API at a loopback port, without TLS: what listens elsewhere speaks it. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent, request as httpsRequest } from 'node:https';
import { SYSTEM_NAMESPACE } from '../../api/names.ts';
import { expectSuccess, type Kubectl } from '../kubectl.ts';

const service = 'buildkit-api';

interface Options {
  readonly kubectl: Kubectl;
  readonly port: number;
}

export async function startForward({ kubectl, port }: Options): Promise<{ readonly close: () => void }> {
  const read = (object: string, path: string) =>
    expectSuccess(kubectl, ['get', '-n', SYSTEM_NAMESPACE, object, '-o', `jsonpath=${path}`]);
  const [host, targetPort] = (await read(`service/${service}`, '{.spec.clusterIP} {.spec.ports[0].port}')).split(' ');
  const agent = new Agent({
    keepAlive: true,
    ca: await read('configmap/buildkit-trust-bundle', '{.data.ca\\.crt}'),
    servername: `${service}.${SYSTEM_NAMESPACE}.svc`,
  });
  const pass = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    const { method = 'GET', url = '/', headers } = incoming;
    const options = { host, port: Number(targetPort), method, path: url, headers, agent };
    const sent = httpsRequest(options, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    });
    sent.once('error', () => {
      if (!outgoing.headersSent) outgoing.writeHead(502);
      outgoing.end();
    });
    incoming.pipe(sent);
  };
  const server = createServer(pass).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    server.closeAllConnections();
    agent.destroy();
  };
  return { close };
}
