use std::time::Instant;
use swarm_bytecode::{module::*, op::*, types::*};
use swarm_vm::*;
fn r(x:u8)->Register{Register(x)}
fn int(a:u8,v:i64)->Op{Op::Integer{result:r(a),value:v}}
fn time(name:&str, units: f64, mut f: impl FnMut()) { let mut best=f64::MAX; for _ in 0..9 { let t=Instant::now(); f(); best=best.min(t.elapsed().as_nanos() as f64);} println!("{name}: {:.3} ms, {:.2} ns/unit", best/1e6, best/units); }
fn main() {
    const INT: TypeId = TypeId::INT;
    let n=10_000_000i64;
    let mut m=Module::empty();
    m.functions=vec![Function{registers:vec![INT;6],parameters:0,result:Some(INT),code:vec![
        int(1,1),int(2,n),int(4,3),int(5,1000003),
        Op::Range{item:r(3),first:r(1),last:r(2)},
        Op::AddInt{result:r(0),left:r(0),right:r(3)},
        Op::MulInt{result:r(0),left:r(0),right:r(4)},
        Op::ModInt{result:r(0),left:r(0),right:r(5)},
        Op::Advance{},
        Op::ReturnValue{value:r(0)}]}];
    let p=Program::load(&m.encode()).unwrap();
    let lim=Limits::default().fuel(1<<60);
    time("range add mul mod (4 ops a round)", (n*4) as f64, || { let mut h=Host::new(); let mut i=Instance::new(&p,&Inputs::new(&p),lim,&Grants::all(),&h).unwrap(); i.run(&mut h).report().unwrap(); });
    let fib=Function{registers:vec![INT,INT,INT,INT,TypeId::BOOL],parameters:1,result:Some(INT),code:vec![
        int(2,1),int(3,2),Op::LtInt{result:r(4),left:r(0),right:r(3)},Op::If{condition:r(4)},Op::ReturnValue{value:r(0)},Op::End{},
        Op::SubInt{result:r(1),left:r(0),right:r(2)},Op::CallValue{result:r(1),function:FunctionId(1),arguments:vec![r(1)]},
        Op::SubInt{result:r(3),left:r(0),right:r(3)},Op::CallValue{result:r(3),function:FunctionId(1),arguments:vec![r(3)]},
        Op::AddInt{result:r(1),left:r(1),right:r(3)},Op::ReturnValue{value:r(1)}]};
    let main=Function{registers:vec![INT,INT],parameters:0,result:Some(INT),code:vec![int(1,27),Op::CallValue{result:r(0),function:FunctionId(1),arguments:vec![r(1)]},Op::ReturnValue{value:r(0)}]};
    m.functions=vec![main,fib];
    let p2=Program::load(&m.encode()).unwrap();
    time("fib 27 (832k calls)", 832_000.0, || { let mut h=Host::new(); let mut i=Instance::new(&p2,&Inputs::new(&p2),lim,&Grants::all(),&h).unwrap(); i.run(&mut h).report().unwrap(); });
    let text=std::fs::read_to_string("examples/cost_optimization.swarm").unwrap();
    let (c,_)=swarm_compiler::compile_text("x",text);
    let module=c.module.unwrap();
    let bytes=module.encode();
    let mut stripped=module.clone(); stripped.strip();
    println!("sample bytes {} stripped {}", bytes.len(), stripped.encode().len());
    let sb=stripped.encode();
    time("load", 1.0, || { Program::load(&sb).unwrap(); });
    let p3=Program::load(&sb).unwrap();
    let mut x=12345u64;
    let mut rnd=move||{x^=x<<13;x^=x>>7;x^=x<<17;x};
    for (label, frac) in [("2% heavy",50u64),("33% heavy",3)] {
    let mut pick=|heavy:i64|->Vec<i64>{(0..10_000).map(|_| if rnd()%frac==0 {heavy} else {1}).collect()};
    let t=Table::builder().strings("id",(0..10_000).map(|t|format!("t{t}"))).words("cpu_time",Type::Duration,pick(6_000_000_000)).words("memory",Type::Bytes,pick(2_000_000_000)).words("network",Type::Bandwidth,pick(200_000_000)).build().unwrap();
    let inputs=Inputs::new(&p3).table("task_queue",&t).unwrap();
    for digest in [true,false] {
    time(&format!("sample 10k {label} digest {digest}"), 10_000.0, || { let mut n=0u64; let mut h=Host::new(); h.action("REDUCE_CPU_THROTTLE",|_:Record<'_>,_:Percent| n+=1);h.action("REDUCE_MEMORY_CACHE",|_:Record<'_>,_:Percent| ());h.action("ROUTE_TO_CHEAPER_REGION",|_:Record<'_>| ());h.action("REPORT_METRICS_EVERY",|_:Duration| ());
      let mut i=Instance::new(&p3,&inputs,lim.money(1<<40),&Grants::all(),&h).unwrap().without_action_log(); if !digest {i=i.without_digest();} let rep=i.run(&mut h).report().unwrap(); assert_eq!(rep.outcome.name(),"done"); });
    }
    let mut h=Host::new(); h.otherwise(|_|Answer::done());
    time("instance new", 1000.0, || { for _ in 0..1000 { std::hint::black_box(Instance::new(&p3,&inputs,lim,&Grants::all(),&h).unwrap()); } });
    }
    println!("size of Instance {}", size_of::<Instance>());
}
