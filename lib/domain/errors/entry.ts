/** One line of the error catalogue: whether trying again can help, and what a person should do. */
export type ErrorEntry = {
  /** Step Functions and the embedded engine may retry the step; the cause passes by itself. */
  retry: boolean;
  /** A full sentence that tells the reader what to do. Shown in Slack and in the terminal. */
  advice: string;
};

/** Keeps the literal keys of a group of codes while checking the shape of its entries. */
export const errorGroup = <const T extends Record<string, ErrorEntry>>(group: T): T => group;
