/** What sigma draws, kept in step with what the page wants drawn. */
import { UndirectedGraph } from "graphology";
import Sigma from "sigma";
import type { Settings } from "sigma/settings";
import type { NodeDisplayData } from "sigma/types";
import { neighbours } from "./board.ts";
import type { Drawn } from "./filter.ts";
import { forces } from "./forces.ts";
import type { Place } from "./graphml.ts";
import type { Grouping } from "./groups.ts";
import { LabelPen } from "./label-pen.ts";
import { labelOf } from "./labels.ts";
import { runLayout } from "./layout.ts";
import { groupIndex, type Palette, palette, sizeOf, tieColour, tieSize } from "./paint.ts";
import { placeNew } from "./places.ts";
import { ShapeProgram } from "./shapes.ts";
import { SHAPE_OF } from "./shapes-of.ts";

export interface StageEvents {
  readonly onSelect: (key: string | undefined) => void;
  readonly onExpand: (key: string) => void;
  readonly onRest: () => void;
}

export interface Marks {
  readonly selected: string | undefined;
  /** Nodes and edges (`edgeKey`) of a path. */
  readonly path: ReadonlySet<string>;
}

const FIT_MS = 300;

export class Stage {
  #graph = new UndirectedGraph();
  readonly #sigma: Sigma;
  readonly #events: StageEvents;
  readonly #pen = new LabelPen();
  #paint: Palette;
  #stopLayout: () => void = () => undefined;
  #drawn: Drawn = { nodes: new Map(), edges: new Map() };
  #grouping: Grouping = { of: new Map(), names: [] };
  #marks: Marks = { selected: undefined, path: new Set() };
  #near: ReadonlySet<string> = new Set();
  /** Kept for nodes that a filter took out: they come back where they were. */
  readonly #places = new Map<string, Place>();

  constructor(container: HTMLElement, events: StageEvents) {
    this.#events = events;
    this.#paint = palette();
    this.#sigma = new Sigma(this.#graph, container, this.#settings());
    this.#sigma.on("clickNode", ({ node }) => events.onSelect(node));
    this.#sigma.on("doubleClickNode", (event) => {
      event.preventSigmaDefault();
      events.onExpand(event.node);
    });
    this.#sigma.on("beforeRender", () => this.#pen.begin());
    this.#sigma.on("clickStage", () => events.onSelect(undefined));
    this.#sigma.on("enterNode", () => container.classList.add("on-node"));
    this.#sigma.on("leaveNode", () => container.classList.remove("on-node"));
    this.#drag();
  }

  #settings(): Partial<Settings> {
    return {
      allowInvalidContainer: true,
      nodeProgramClasses: { shape: ShapeProgram },
      defaultNodeType: "shape",
      labelDensity: 0.7,
      labelGridCellSize: 110,
      labelRenderedSizeThreshold: 5,
      minEdgeThickness: 0.6,
      stagePadding: 40,
      zIndex: true,
      hideEdgesOnMove: false,
      defaultDrawNodeLabel: (context, data) => this.#pen.write(context, data, this.#paint),
      defaultDrawNodeHover: (context, data) => this.#pen.mark(context, data, this.#paint),
      nodeReducer: (key, data) => this.#node(key, data as NodeDisplayData),
      edgeReducer: (key, data) => this.#edge(key, data as { color: string; size: number }),
    };
  }

  /** Draws this; what is new finds a place, and the layout settles it. */
  show(drawn: Drawn, grouping: Grouping): void {
    const before = this.#drawn;
    this.#drawn = drawn;
    this.#grouping = grouping;
    for (const [key, place] of placeNew(drawn, grouping, this.#places)) this.#places.set(key, place);
    this.#build();
    if ([...drawn.nodes.keys()].some((key) => !before.nodes.has(key))) this.layout();
  }

  /** Sigma takes a whole graph faster than thousands of changes. */
  #build(): void {
    const graph = new UndirectedGraph();
    const { none, groups } = this.#paint;
    const around = neighbours(this.#drawn);
    for (const [key, node] of this.#drawn.nodes) {
      const group = groupIndex(this.#grouping, key);
      graph.addNode(key, {
        ...(this.#places.get(key) ?? { x: 0, y: 0 }),
        label: labelOf(node),
        shape: SHAPE_OF[node.kind],
        color: group === undefined ? none : groups[group],
        size: sizeOf(node, around.get(key)?.length ?? 0),
      });
    }
    for (const [key, edge] of this.#drawn.edges)
      if (edge.from !== edge.to && !graph.hasUndirectedEdge(edge.from, edge.to))
        graph.addUndirectedEdgeWithKey(key, edge.from, edge.to, {
          color: tieColour(this.#paint, edge),
          size: tieSize(edge),
        });
    this.#graph = graph;
    this.#findNear();
    this.#sigma.setGraph(graph);
  }

  mark(marks: Marks): void {
    const was = this.#marks;
    this.#marks = marks;
    this.#findNear();
    const isOther = was.path !== marks.path && (was.path.size > 0 || marks.path.size > 0);
    if (was.selected !== marks.selected || isOther) this.#sigma.refresh({ skipIndexation: true });
  }

  #findNear(): void {
    const { selected } = this.#marks;
    this.#near =
      selected !== undefined && this.#graph.hasNode(selected)
        ? new Set([selected, ...this.#graph.neighbors(selected)])
        : new Set();
  }

  /** In the colours of the theme that is on now. */
  repaint(): void {
    this.#paint = palette();
    this.#build();
  }

  #node(key: string, data: NodeDisplayData): Partial<NodeDisplayData> {
    const { selected, path } = this.#marks;
    if (path.size > 0)
      return path.has(key)
        ? { ...data, forceLabel: true, zIndex: 2, highlighted: key === selected }
        : { ...data, color: this.#paint.faded, label: null, zIndex: 0 };
    if (selected === undefined || this.#near.size === 0) return data;
    if (key === selected) return { ...data, highlighted: true, forceLabel: true, zIndex: 2 };
    if (this.#near.has(key)) return { ...data, forceLabel: this.#near.size <= 25, zIndex: 1 };
    return { ...data, color: this.#paint.faded, label: null, zIndex: 0 };
  }

  #edge(key: string, data: { color: string; size: number }) {
    const { selected, path } = this.#marks;
    const { accent, faded } = this.#paint;
    if (path.size > 0)
      return path.has(key)
        ? { ...data, color: accent, size: Math.max(3, data.size), zIndex: 2 }
        : { ...data, color: faded, zIndex: 0 };
    if (selected === undefined || this.#near.size === 0) return data;
    return this.#graph.hasExtremity(key, selected)
      ? { ...data, color: accent, zIndex: 1 }
      : { ...data, color: faded, zIndex: 0 };
  }

  /** Text with a rim in the colour of the ground, so that it is read over any tie. */
  layout(): void {
    this.#stopLayout();
    const keys = this.#graph.nodes();
    const at = new Map(keys.map((key, i) => [key, i]));
    const bodies = keys.map((key) => ({
      ...(this.#places.get(key) ?? { x: 0, y: 0 }),
      size: this.#graph.getNodeAttribute(key, "size") as number,
    }));
    const pulls = this.#graph.mapEdges((key, _data, source, target) => ({
      from: at.get(source) ?? 0,
      to: at.get(target) ?? 0,
      weight: this.#drawn.edges.get(key)?.weight ?? 0,
    }));
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.#stopLayout = runLayout(forces(bodies, pulls), keys.length, (places, isDone) => {
      for (const [i, key] of keys.entries())
        this.#places.set(key, { x: places[2 * i] as number, y: places[2 * i + 1] as number });
      if (!isStill || isDone)
        this.#graph.updateEachNodeAttributes((key, data) => ({ ...data, ...this.#places.get(key) }), {
          attributes: ["x", "y"],
        });
      if (isDone) this.#events.onRest();
    });
  }

  /** A node can be pulled where it is wanted. */
  #drag(): void {
    let dragged: string | undefined;
    this.#sigma.on("downNode", ({ node }) => {
      dragged = node;
      if (this.#sigma.getCustomBBox() === null) this.#sigma.setCustomBBox(this.#sigma.getBBox());
    });
    this.#sigma.on("moveBody", ({ event }) => {
      if (dragged === undefined) return;
      this.#stopLayout();
      const place = this.#sigma.viewportToGraph(event);
      this.#places.set(dragged, place);
      this.#graph.mergeNodeAttributes(dragged, place);
      event.preventSigmaDefault();
      event.original.preventDefault();
    });
    const drop = () => {
      dragged = undefined;
      this.#sigma.setCustomBBox(null);
    };
    this.#sigma.on("upNode", drop);
    this.#sigma.on("upStage", drop);
  }

  fit(): void {
    void this.#sigma.getCamera().animatedReset({ duration: FIT_MS });
  }

  zoom(by: "in" | "out"): void {
    const camera = this.#sigma.getCamera();
    void (by === "in"
      ? camera.animatedZoom({ duration: FIT_MS })
      : camera.animatedUnzoom({ duration: FIT_MS }));
  }

  /** Brings a node into the middle when it cannot be seen. */
  look(key: string): void {
    const at = this.#sigma.getNodeDisplayData(key);
    if (at === undefined) return;
    const { width, height } = this.#sigma.getDimensions();
    const seen = this.#sigma.framedGraphToViewport(at);
    if (seen.x > 20 && seen.y > 20 && seen.x < width - 20 && seen.y < height - 20) return;
    void this.#sigma.getCamera().animate({ x: at.x, y: at.y }, { duration: FIT_MS });
  }

  placeOf(key: string): Place | undefined {
    return this.#places.get(key);
  }

  /** All layers as they are on the screen, on the ground of the theme. */
  async png(): Promise<Blob | undefined> {
    // WebGL forgets what it drew when the frame is over: drawn anew, and copied at once.
    this.#sigma.refresh();
    const layers = Object.values(this.#sigma.getCanvases());
    const [first] = layers;
    if (first === undefined) return undefined;
    const canvas = document.createElement("canvas");
    canvas.width = first.width;
    canvas.height = first.height;
    const context = canvas.getContext("2d");
    if (context === null) return undefined;
    context.fillStyle = this.#paint.ground;
    context.fillRect(0, 0, canvas.width, canvas.height);
    for (const layer of layers)
      if (layer.width > 0 && layer.height > 0) context.drawImage(layer, 0, 0, canvas.width, canvas.height);
    return new Promise((resolve) => canvas.toBlob((blob) => resolve(blob ?? undefined), "image/png"));
  }

  end(): void {
    this.#stopLayout();
    this.#sigma.kill();
  }
}
