/** The URI SANs of a certificate, from the text in which Node shows its names. */

/**
 * Undecided names are kept as they are written, so that none of them reads like a URI: a certificate that has any other
 * name than URIs has one more name here, which is no URI of ours.
 */
export const readUriNames = (subjectAltName: string): string[] =>
  splitNames(subjectAltName).map((name) => (name.startsWith('URI:') ? unquote(name.slice('URI:'.length)) : name));

/** Node quotes, as JSON, what holds a comma or a quote, so that what is not quoted has none of them. */
const splitNames = (text: string): string[] =>
  text.match(/(?:[^,"]|"(?:[^"\\]|\\.)*")+/g)?.map((name) => name.trim()) ?? [];

function unquote(text: string): string {
  return text.startsWith('"') ? (JSON.parse(text) as string) : text;
}
