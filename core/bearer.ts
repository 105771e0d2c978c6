/** The token of a request (RFC 6750, 2.1); undefined where it shows none. No I/O. */
export const readBearer = (request: Request): string | undefined =>
  /^Bearer +(\S+) *$/i.exec(request.headers.get('authorization') ?? '')?.[1];
