/** The name of a token in logs: the token's own would be enough to recognise it elsewhere. */
import { hash } from 'node:crypto';

export const hashTokenId = (jti: string): string => `sha256:${hash('sha256', jti)}`;
