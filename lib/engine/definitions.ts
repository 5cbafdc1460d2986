/**
 * Makes the definitions ready to run: checked, and with CloudFormation's placeholders filled in.
 *
 * A placeholder that names a function stays, since it is the function's name here.
 */
import { OctoError } from '../domain/errors.ts';
import { loadDefinition, type Definition } from './asl.ts';

/** Definitions by workflow name. @throws DefinitionRefused also for a placeholder that nothing fills */
export const bindDefinitions = (from: {
  definitions: Record<string, unknown>;
  functions: Record<string, unknown>;
  placeholders?: Record<string, string>;
}): Map<string, Definition> =>
  new Map(
    Object.entries(from.definitions).map(([name, raw]) => {
      const missing = new Set<string>();
      const fill = (whole: string, placeholder: string): string => {
        if (Object.hasOwn(from.functions, placeholder)) return whole;
        const value = from.placeholders?.[placeholder];
        if (value === undefined) missing.add(whole);
        return JSON.stringify(value ?? '').slice(1, -1);
      };
      const text = JSON.stringify(loadDefinition(name, raw)).replaceAll(/\$\{(\w+)\}/g, fill);
      if (missing.size > 0)
        throw new OctoError('DefinitionRefused', `workflow "${name}" needs ${[...missing].join(', ')}`, {
          facts: { workflow: name, problems: [...missing] },
        });
      return [name, JSON.parse(text) as Definition];
    }),
  );
