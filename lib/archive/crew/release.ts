/**
 * Gives the memory of a large buffer back at once. The garbage collector is in no hurry: to it, a buffer of megabytes is
 * one small object, and a worker would hold dozens of them.
 */
export const release = (bytes: Buffer): void => {
  // Small buffers are cut out of a pool that others use.
  if (bytes.buffer instanceof ArrayBuffer && bytes.buffer.byteLength > Buffer.poolSize) bytes.buffer.transfer(0);
};
