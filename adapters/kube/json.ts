/** An object of the library's types as JSON has it: a time is text, and no name has the underscore of a keyword. */
export type Json<T> = T extends Date
  ? string
  : T extends readonly (infer I)[]
    ? readonly Json<I>[]
    : T extends object
      ? { readonly [K in keyof T as K extends `_${infer Name}` ? Name : K]: Json<T[K]> }
      : T;
