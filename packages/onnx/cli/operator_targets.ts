export const runsOnWebgpu: ReadonlySet<string> = new Set<string>([]);
export const runsOnWebgl: ReadonlySet<string> = new Set<string>([]);
