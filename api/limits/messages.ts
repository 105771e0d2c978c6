/** What an answer or a log line shows of what came in. Each limit has its unit in its name and its reason above it. */

/** A body of thousands of bad fields must not be answered with megabytes. */
export const maxReportedErrors = 32;

/** Enough to recognise a value in an answer or a log line. */
export const maxShownValueLength = 64;

/** A condition is read in a terminal. */
export const maxShownFaultLength = 512;

/** The name of a ServiceAccount fits; one of megabytes must not fill the log. */
export const maxLoggedUserLength = 256;
