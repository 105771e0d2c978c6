/** The token of an Authorization header (RFC 6750, 2.1); undefined where it shows none. */
export const parseBearer = (header: string | null): string | undefined => /^Bearer +(\S+) *$/i.exec(header ?? '')?.[1];
