const ARCS = 5;
const CENTRE = { x: 200, y: 110 };
const INNER = 74;
const STEP = 22;
const HALF_ANGLE = (38 * Math.PI) / 180;
const FALL = 0.16; // Share of the distance by which a level sinks in a frame. Levels rise at once and sink slowly.

/**
 * Shows the two voices as arcs that face each other and light up with loudness: the caller on the left, the agent on the
 * right.
 */
export class Voices {
  #stage;
  #shown = { caller: 0, agent: 0 };
  #frame = 0;

  /** @param {HTMLElement} stage */
  constructor(stage) {
    this.#stage = stage;
    for (const side of ["caller", "agent"]) stage.querySelector(`.voices .${side}`).append(...arcs(side === "caller" ? -1 : 1));
  }

  /**
   * Draw until stop() is called.
   * @param {() => {caller: number, agent: number}} read gives the loudness of both sides, 0 to 1
   */
  start(read) {
    this.stop();
    const draw = () => {
      this.#draw(read());
      this.#frame = requestAnimationFrame(draw);
    };
    draw();
  }

  stop() {
    cancelAnimationFrame(this.#frame);
    this.#draw({ caller: 0, agent: 0 }, true);
  }

  /** @param {{caller: number, agent: number}} levels @param {boolean} [now] true to sink at once */
  #draw(levels, now = false) {
    for (const side of ["caller", "agent"]) {
      const before = this.#shown[side];
      const after = now || levels[side] > before ? levels[side] : before + (levels[side] - before) * FALL;
      this.#shown[side] = after;
      this.#stage.style.setProperty(`--${side}-level`, after.toFixed(2));
    }
  }
}

/** The arcs of one side. @param {1 | -1} direction -1 for the left side, 1 for the right side */
function arcs(direction) {
  return Array.from({ length: ARCS }, (_, index) => {
    const radius = INNER + index * STEP;
    const x = CENTRE.x + direction * radius * Math.cos(HALF_ANGLE);
    const dy = radius * Math.sin(HALF_ANGLE);
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    const sweep = direction === 1 ? 1 : 0;
    path.setAttribute("d", `M${x} ${CENTRE.y - dy}A${radius} ${radius} 0 0 ${sweep} ${x} ${CENTRE.y + dy}`);
    path.style.setProperty("--i", String(index));
    return path;
  });
}
