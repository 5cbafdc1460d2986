/** What the stand-in serves. A test runs one statement of each line and ties the table to the truth. */
export const serves = [];
