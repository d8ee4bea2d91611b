import { chain, createOptimizer, scaleBy, signalFraction, type SignalFractionOptions } from "./mod.ts";
import { random } from "@precond/testing";
function risk(options: SignalFractionOptions, times: number[], n=20000, theta0=3, seed=1){
  const { normal } = random(seed);
  const w = Float32Array.from({length:n},()=>theta0*normal());
  const o = createOptimizer(chain(scaleBy(signalFraction(options))));
  const g = new Float32Array(n);
  const out:number[]=[];
  for(let t=1;t<=times.at(-1)!;t++){
    for(let i=0;i<n;i++) g[i]=w[i]!+normal();
    o.step({w:{weights:w,gradient:g}});
    if(times.includes(t)) out.push(t*w.reduce((s,x)=>s+x*x,0)/n);
  }
  return out.map(x=>x.toFixed(3));
}
const times=[50,100,200,400];
for (const th of [1,10]) for (const warmup of [2,10]) for (const [k,o] of Object.entries({
 plug:{memory:"adaptive",correction:"none",floor:0},
 deb:{memory:"adaptive",floor:0},
 half:{memory:"adaptive",floor:.5}} as Record<string,SignalFractionOptions>)) console.log(th,warmup,k,risk({...o,warmup},times,4000,th).join(" "));
for (const decay of [.9,.99]) for (const floor of [0,.5]) console.log("fixed",decay,floor,risk({decay,floor},times,4000,3).join(" "));
