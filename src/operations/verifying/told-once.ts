/** Progress of work that may begin again from the front: what was told once is not told again. */
export class ToldOnce {
  readonly #tell: (amount: number) => void;
  #done = 0;
  #told = 0;

  constructor(tell: (amount: number) => void) {
    this.#tell = tell;
  }

  add(amount: number): void {
    this.#done += amount;
    if (this.#done <= this.#told) return;
    const news = this.#done - this.#told;
    this.#told = this.#done;
    this.#tell(news);
  }

  /** Says that the work begins again. */
  restart(): void {
    this.#done = 0;
  }
}
