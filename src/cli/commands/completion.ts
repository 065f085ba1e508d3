/** `lakepack completion`: a script that completes commands, flags and choices. */
import type { Command } from '../command.js';
import { completionScript, SHELLS } from '../completion-script.js';
import { EXIT_CODES } from '../exit-code.js';
import { LakepackError } from '../../base/errors.js';
import { showPath } from '../../base/paths.js';
import { closest } from '../suggest.js';

export const completionCommand: Command = {
  describe:
    'Prints a script that completes commands, flags and choices in a shell. It runs nothing when you press Tab.',
  words: [{ name: 'SHELL', describe: SHELLS.join(', '), count: 'one' }],
  options: {},
  examples: [
    { line: 'source <(lakepack completion bash)', why: 'bash, for this session; in ~/.bashrc for all' },
    { line: 'lakepack completion zsh > "${fpath[1]}/_lakepack"', why: 'zsh, from the next session on' },
    { line: 'lakepack completion fish > ~/.config/fish/completions/lakepack.fish', why: 'fish' },
  ],
  async run({ args, commands, out }) {
    const [word = ''] = args.words;
    const shell = SHELLS.find((one) => one === word);
    if (shell === undefined) {
      const hint = `did you mean ${closest(word, SHELLS) ?? 'bash'}?`;
      throw new LakepackError('USAGE', `SHELL: not a choice: expected ${SHELLS.join(', ')}, got ${showPath(word)}`, {
        hint,
      });
    }
    await out.write(await completionScript(shell, commands));
    return EXIT_CODES.done;
  },
};
