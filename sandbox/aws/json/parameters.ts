/** Reads parameters of a JSON request as the services do: another type is a SerializationException, absent is `null`. */
import { refusal } from '../refusal.ts';
import type { Parameters } from './json-service.ts';

const wrongType = (name: string, type: string) =>
  refusal(400, 'SerializationException', { message: `${name} is no ${type}` });

export const textIn = (parameters: Parameters, name: string): string | null => {
  const value = parameters[name] ?? null;
  if (value === null || typeof value === 'string') return value;
  throw wrongType(name, 'string');
};

export const numberIn = (parameters: Parameters, name: string): number | null => {
  const value = parameters[name] ?? null;
  if (value === null || typeof value === 'number') return value;
  throw wrongType(name, 'number');
};

/** An object whose values are texts, such as the attributes of a queue. */
export const textsIn = (parameters: Parameters, name: string): Record<string, string> => {
  const value = parameters[name] ?? {};
  if (typeof value !== 'object' || Object.values(value).some((each) => typeof each !== 'string'))
    throw wrongType(name, 'map of strings');
  return value as Record<string, string>;
};

/** What must be there. `missing` is how the service calls it when it is not. */
export const required = <T>(value: T | null, name: string, missing: string): T => {
  if (value !== null) return value;
  throw refusal(400, missing, { message: `The request must contain the parameter ${name}.` });
};
