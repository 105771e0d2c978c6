/** Answers of the apiserver that are none of what was asked for. */

/** An answer that is not 2xx; `status` 0 means that no answer came, or not the whole of it. */
export class KubeError extends Error {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string) {
    super(message);
    this.name = 'KubeError';
    this.status = status;
    this.reason = reason;
  }
}

/** From the body of an answer, a metav1.Status as a rule. */
export function toKubeError(status: number, text: string): KubeError {
  try {
    const body = JSON.parse(text) as { reason?: string; message?: string };
    return new KubeError(status, body.reason ?? '', body.message ?? text);
  } catch {
    return new KubeError(status, '', text.slice(0, 1024));
  }
}

/** The value, or undefined where the object does not exist. */
export async function orUndefined<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof KubeError && error.status === 404) return undefined;
    throw error;
  }
}
