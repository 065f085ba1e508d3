/** Work that was begun and is not waited for one by one: how it ended, and that nothing of it runs on. */

export class UnderWay {
  readonly #pending = new Set<Promise<void>>();
  #begun = 0;
  /** Of the failed work that was begun first. */
  #failure: { readonly number: number; readonly error: unknown } | undefined;

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  begin(work: Promise<unknown>): void {
    const number = (this.#begun += 1);
    const ended: Promise<void> = work
      .then(
        () => undefined,
        (error: unknown) => {
          if (this.#failure === undefined || number < this.#failure.number) this.#failure = { number, error };
        },
      )
      .finally(() => this.#pending.delete(ended));
    this.#pending.add(ended);
  }

  /** Resolves when nothing is under way. Throws what the first of the failed threw, in the order they were begun. */
  async end(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending);
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
