/** The door to picomatch: globs over lake paths. */
import picomatch from 'picomatch';

/**
 * Whether a lake path fits one of the globs: `*` within a name, `**` over folders, `?`, `[…]`, `{…}`. Hidden names are
 * names like any other. No glob at all fits everything.
 */
export function globMatcher(globs: readonly string[]): (lakePath: string) => boolean {
  return globs.length === 0 ? () => true : picomatch([...globs], { dot: true });
}
