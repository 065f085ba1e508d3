/** The addresses of the schemas that JSON outputs conform to. The files stand in `schemas/`. */

export function schemaAddress(name: string): string {
  return `https://lakepack.dev/schemas/${name}.v1.schema.json`;
}
