/**
 * A small language to describe protobuf messages as JSON, and the conversion that Mesos does with them:
 * unknown fields and unknown enum values are ignored, numbers may be strings, bytes are base64, and all
 * missing required fields are named at once. The texts are those of Mesos.
 */

export type Scalar = 'string' | 'double' | 'integer' | 'bool' | 'bytes';

export interface Field {
  readonly type: Scalar | readonly string[] | Message | { readonly mapOf: Message };
  readonly required: boolean;
  readonly repeated: boolean;
}

export type Message = { readonly fields: Readonly<Record<string, Field>> };

/** A body that does not convert; the message is what the master answers after its own prefix. */
export class ConversionError extends Error {}

export function message(fields: Readonly<Record<string, Field>>): Message {
  return { fields };
}

export function optional(type: Field['type']): Field {
  return { type, required: false, repeated: false };
}

export function required(type: Field['type']): Field {
  return { type, required: true, repeated: false };
}

export function repeated(type: Field['type']): Field {
  return { type, required: false, repeated: true };
}

/** Converts parsed JSON to a message, or throws ConversionError. */
export function convert(value: unknown, schema: Message): Record<string, unknown> {
  if (!isObject(value)) throw new ConversionError('Expecting a JSON object');
  const converted = convertMessage(value, schema);
  const missing: string[] = [];
  collectMissing({ value: converted, schema, path: '', missing });
  if (missing.length > 0) throw new ConversionError(`Missing required fields: ${missing.join(', ')}`);
  return converted;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function convertMessage(value: Record<string, unknown>, schema: Message): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [name, given] of Object.entries(value)) {
    const field = schema.fields[name];
    if (field === undefined || given === null || given === undefined) continue;
    const converted = Array.isArray(given) ? convertArray(name, given, field) : convertOne(name, given, field);
    if (converted === undefined) continue;
    result[name] = field.repeated && !Array.isArray(converted) ? [converted] : converted;
  }
  return result;
}

function convertArray(name: string, given: readonly unknown[], field: Field): unknown[] {
  if (!field.repeated) throw new ConversionError(`Not expecting a JSON array for field '${name}'`);
  return given.map((one) => convertOne(name, one, field)).filter((one) => one !== undefined);
}

function convertOne(name: string, given: unknown, field: Field): unknown {
  if (isObject(given)) return convertObject(name, given, field.type);
  if (typeof given === 'string') return convertString(name, given, field.type);
  if (typeof given === 'number') {
    if (field.type === 'double' || field.type === 'integer') return given;
    throw new ConversionError(`Not expecting a JSON number for field '${name}'`);
  }
  if (typeof given === 'boolean') {
    if (field.type === 'bool') return given;
    throw new ConversionError(`Not expecting a JSON boolean for field '${name}'`);
  }
  throw new ConversionError(`Not expecting a JSON array for field '${name}'`);
}

function convertObject(name: string, given: Record<string, unknown>, type: Field['type']): unknown {
  if (typeof type === 'object' && 'fields' in type) return convertMessage(given, type);
  if (typeof type === 'object' && 'mapOf' in type) {
    // An entry of a map is a message of its own, with a field `value`.
    return Object.fromEntries(Object.entries(given).map(([key, one]) => [key, convertOne('value', one, optional(type.mapOf))]));
  }
  throw new ConversionError(`Not expecting a JSON object for field '${name}'`);
}

function convertString(name: string, given: string, type: Field['type']): unknown {
  if (Array.isArray(type)) return type.includes(given) ? given : undefined;
  if (type === 'string') return given;
  if (type === 'bytes') return decodedBase64(name, given);
  if (type === 'double' || type === 'integer') {
    const number = Number(given);
    if (given.trim() === '' || Number.isNaN(number)) {
      throw new ConversionError(`Failed to parse '${given}' as a JSON number for field '${name}'`);
    }
    return number;
  }
  throw new ConversionError(`Not expecting a JSON string for field '${name}'`);
}

function decodedBase64(name: string, given: string): string {
  const invalid = /[^A-Za-z0-9+/=\s]/.exec(given);
  if (invalid) throw new ConversionError(`Failed to base64 decode bytes field '${name}': Invalid character '${invalid[0]}'`);
  return Buffer.from(given, 'base64').toString('base64');
}

interface MissingSearch {
  readonly value: Record<string, unknown>;
  readonly schema: Message;
  readonly path: string;
  readonly missing: string[];
}

function collectMissing({ value, schema, path, missing }: MissingSearch): void {
  for (const [name, field] of Object.entries(schema.fields)) {
    const at = path + name;
    const given = value[name];
    if (given === undefined) {
      if (field.required) missing.push(at);
    } else if (typeof field.type === 'object' && 'fields' in field.type) {
      const inner = field.type;
      const each = (one: unknown, where: string): void =>
        collectMissing({ value: one as Record<string, unknown>, schema: inner, path: `${where}.`, missing });
      if (Array.isArray(given)) given.forEach((one, index) => each(one, `${at}[${index}]`));
      else each(given, at);
    }
  }
}
