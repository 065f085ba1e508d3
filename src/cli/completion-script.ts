/** Writes completion scripts from the list of commands and their flags. The scripts hold all words: no program runs on Tab. */
import type { Command, CommandEntry, OptionSpec } from './command.js';
import { GLOBAL_OPTIONS } from './global-options.js';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Completed {
  readonly line: string;
  readonly summary: string;
  readonly options: readonly (readonly [string, OptionSpec])[];
}

export async function completionScript(shell: Shell, entries: readonly CommandEntry[]): Promise<string> {
  const commands = await Promise.all(
    entries.map(async (entry) => ({
      line: entry.path.join(' '),
      summary: entry.summary,
      options: optionsOf(await entry.load()),
    })),
  );
  switch (shell) {
    case 'bash':
      return bashScript(commands);
    case 'zsh':
      return zshScript(commands);
    case 'fish':
      return fishScript(commands);
  }
}

function optionsOf(command: Command): (readonly [string, OptionSpec])[] {
  return Object.entries({ ...command.options, ...GLOBAL_OPTIONS });
}

/** What may follow a command line that has reached `prefix`: the next words, each once. */
function nextWords(commands: readonly Completed[], prefix: string): string[] {
  const depth = prefix === '' ? 0 : prefix.split(' ').length;
  const below = commands.filter(({ line }) => prefix === '' || line.startsWith(`${prefix} `));
  return [...new Set(below.map(({ line }) => line.split(' ')[depth] ?? ''))];
}

function groupsOf(commands: readonly Completed[]): string[] {
  return [...new Set(commands.map(({ line }) => line.split(' ')).filter((words) => words.length > 1))]
    .map((words) => words[0] ?? '')
    .filter((word, index, all) => all.indexOf(word) === index);
}

function choicesOf(commands: readonly Completed[]): (readonly [string, readonly string[]])[] {
  const found = new Map(
    commands.flatMap(({ options }) =>
      options.flatMap(([name, spec]) => (spec.choices === undefined ? [] : [[name, spec.choices] as const])),
    ),
  );
  return [...found];
}

/** Bash and zsh share one case list: words of the line so far → what may come next. */
function caseLines(
  commands: readonly Completed[],
  line: (pattern: string, words: readonly string[]) => string,
): string {
  const groups = ['', ...groupsOf(commands)].map((group) => line(group, nextWords(commands, group)));
  const flags = commands.map(({ line: command, options }) =>
    line(command, [...(command === 'completion' ? SHELLS : []), ...options.map(([name]) => `--${name}`)]),
  );
  return [...groups, ...flags].join('\n');
}

function bashScript(commands: readonly Completed[]): string {
  const cases = caseLines(commands, (pattern, words) => `    "${pattern}") words="${words.join(' ')}" ;;`);
  const choices = choicesOf(commands)
    .map(([name, words]) => `    --${name}) words="${words.join(' ')}" ;;`)
    .join('\n');
  return `# bash completion for lakepack: source <(lakepack completion bash)
_lakepack() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" line="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in
    -*) ;;
    *)
      case "$line" in
      ${['""', ...groupsOf(commands)].join(' | ')}) line="\${line:+$line }$word" ;;
      esac ;;
    esac
  done
  case "$line" in
${cases}
  esac
  case "$previous" in
${choices}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _lakepack lakepack
`;
}

function zshScript(commands: readonly Completed[]): string {
  const cases = caseLines(commands, (pattern, words) => `    "${pattern}") completions=(${words.join(' ')}) ;;`);
  const choices = choicesOf(commands)
    .map(([name, words]) => `    --${name}) completions=(${words.join(' ')}) ;;`)
    .join('\n');
  return `#compdef lakepack
# zsh completion for lakepack: lakepack completion zsh > "\${fpath[1]}/_lakepack"
_lakepack() {
  local line="" word
  local -a completions
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$word" in
      -*) ;;
      *)
        case "$line" in
          ${['""', ...groupsOf(commands)].join('|')}) line="\${line:+$line }$word" ;;
        esac ;;
    esac
  done
  case "$line" in
${cases}
  esac
  case "\${words[CURRENT-1]}" in
${choices}
  esac
  compadd -- $completions
  _files
}
compdef _lakepack lakepack
`;
}

function fishScript(commands: readonly Completed[]): string {
  const lines = ['# fish completion for lakepack'];
  for (const group of ['', ...groupsOf(commands)]) {
    const words = nextWords(commands, group).join(' ');
    const when = group === '' ? '__fish_use_subcommand' : notYet(group, nextWords(commands, group));
    lines.push(`complete -c lakepack -n '${when}' -f -a '${words}'`);
  }
  for (const { line, options } of commands) {
    const when = line
      .split(' ')
      .map((word) => `__fish_seen_subcommand_from ${word}`)
      .join('; and ');
    if (line === 'completion') lines.push(`complete -c lakepack -n '${when}' -f -a '${SHELLS.join(' ')}'`);
    for (const [name, spec] of options) {
      const value = spec.kind === 'flag' ? '' : ' -r';
      const choices = spec.choices === undefined ? '' : ` -f -a '${spec.choices.join(' ')}'`;
      lines.push(
        `complete -c lakepack -n '${when}' -l ${name}${value}${choices} -d '${spec.describe.replaceAll("'", '’')}'`,
      );
    }
  }
  return `${lines.join('\n')}\n`;
}

function notYet(group: string, words: readonly string[]): string {
  return `__fish_seen_subcommand_from ${group}; and not __fish_seen_subcommand_from ${words.join(' ')}`;
}
